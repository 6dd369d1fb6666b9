"""Train a model by a recipe: write weights, card and evaluation to a folder."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from diascope.card import ModelCard
from diascope.cores import available_cores, network_threads
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.fingerprints import content_digest, path_digest
from diascope.network import AttentionHead, Network, build_head
from diascope.output import lock_folder
from diascope.recipe import Recipe
from diascope.sample import Item
from diascope.table import SPLIT_FILE
from diascope.torch_process import limit_threads, torch_threads
from diascope.training.allocation import keep_freed_memory
from diascope.training.artifacts import describe_sources
from diascope.training.bags import BagNetwork
from diascope.training.checkpoint import load_checkpoint
from diascope.training.defects import Inspection, inspect_pictures
from diascope.training.dry_run import build_layers, check_backbone
from diascope.training.features import Extraction, Features
from diascope.training.finish import Trained, evaluate_folds, finish, write_split
from diascope.training.leakage import write_learned
from diascope.training.loop import Progress, Trainer
from diascope.training.make_plan import make_plan
from diascope.training.memory import explain_out_of_memory
from diascope.training.plan import Plan
from diascope.training.processes import device_count, ending_together, make_fabric
from diascope.training.recipe_file import write_recipe
from diascope.training.shortages import find_shortages, shortage_warnings
from diascope.training.transfer import MatchReport, start_from

Watch = Callable[[Progress], None]
_MOST_READERS = 16


def train(
    recipe: Recipe, directory: Path, watch: Watch, tell: Callable[[str], None], command: str
) -> ModelCard | None:
    """Train a classifier, and write its weights, card, evaluation and training page.

    The same command resumes an interrupted training. The card's metrics are measured on the test
    groups with the weights as stored. With several processes, all but the first return None.

    Args:
        watch: called with the progress after each step and epoch.
        tell: called with messages: problems with the table, what was loaded from a start, and where
            a training resumes.
        command: as the user wrote it, for the card.

    Raises:
        RecipeError, TableError, PluginError, WeightsError: before training, if recipe, table,
            pictures or folder are wrong; later, WeightsError if the loss diverges, and RecipeError
            if memory runs out.
    """
    limit_threads()
    plan = make_plan(recipe)
    fabric = make_fabric(plan.options)
    if fabric.device.type == "cpu":
        keep_freed_memory()
    first = fabric.is_global_zero
    total_threads = network_threads()  # before Fabric sets their number
    has_begun = (directory / SPLIT_FILE).exists  # a folder without it is removed after an error
    lock = lock_folder(directory, has_begun) if first else nullcontext(directory)
    with explain_out_of_memory(recipe), ending_together(fabric), lock as folder:
        folders = [folder / f"fold-{number}" for number in range(1, len(plan.fold_examples) + 1)]
        for each, path in zip([plan, *plan.folds()], [folder, *folders], strict=True):
            # raises if the folder holds another training
            load_checkpoint(path, each.digest, each.parts)
        prepared = _prepare(plan, folder, fabric.device, tell) if first else None
        fabric.launch()
        session = _Session(
            fabric,
            watch if first else lambda progress: None,
            tell if first else lambda text: None,
            command,
            total_threads,
        )
        inspection, features, contents = fabric.broadcast(prepared)
        plan = replace(plan, features=features, contents=contents)
        for note in plan.notes:
            session.tell(note)
        for warning in inspection.warnings:
            session.tell(f"warning: {warning}")
        folds = []
        for number, (fold, path) in enumerate(zip(plan.folds(), folders, strict=True), 1):
            session.tell(f"Fold {number} of {plan.options.folds}")
            folds.append(session.train(fold, path, inspection))
        held_out = [answers for _, answers in folds if answers]
        across = evaluate_folds(held_out, plan, folder, inspection.copy_sets) if first else {}
        if folds:
            session.tell("The model itself, on all groups of train")
        if first:
            write_recipe(plan.recipe, plan.options, folder)
        card, _ = session.train(plan, folder, inspection, across)
    return card if first else None


@dataclass(frozen=True)
class _Session:
    """The context shared by the trainings of one command.

    Attributes:
        total_threads: for all of its processes together.
    """

    fabric: Any
    watch: Watch
    tell: Callable[[str], None]
    command: str
    total_threads: int

    def train(
        self, plan: Plan, folder: Path, inspection: Inspection, across: dict[str, Any] | None = None
    ) -> tuple[ModelCard, LabelledScores | None]:
        """Train; in the first process, also write the results and return the test scores."""
        first = self.fabric.is_global_zero
        options, card = plan.options, plan.card(inspection.size)
        if first:
            folder.mkdir(exist_ok=True)
            write_split(plan.examples, folder)
            write_learned(plan.sources(), folder)
        backbone, matched = _make_backbone(plan)
        head = build_head(card.head, plan.backbone.features, card.outputs, options.dropout)
        network_class = BagNetwork if isinstance(head, AttentionHead) else Network
        network = network_class(backbone, head)
        trainer = Trainer(
            plan,
            network,
            card,
            folder,
            workers=_worker_count(plan),
            fabric=self.fabric,
            watch=self.watch,
            tell=self.tell,
        )
        count = thread_count(self.total_threads, self.fabric.world_size, trainer.workers)
        with torch_threads(count):
            history = trainer.fit()
        if not first:
            return card, None
        warnings = (*inspection.warnings, *(matched.warnings if matched else ()), *trainer.warnings)
        copy_sets = inspection.copy_sets
        trained = Trained(plan, card, network, history, trainer.workers, warnings, copy_sets)
        made = {
            "command": self.command,
            "start": matched.plain() if matched else None,
            "teachers": plan.teacher_digests(),
            "learned_from": describe_sources(options),
            "precision": ", then ".join(trainer.precisions),
        }
        return finish(trained, folder, made, across or {})


def _make_backbone(plan: Plan) -> tuple[nn.Module, MatchReport | None]:
    """Return the initial backbone, reproducible by seed, and what was loaded from a start."""
    torch.manual_seed(plan.options.seed)
    backbone, start = build_layers(plan.backbone, plan.reference.name), plan.options.start
    if start is None:
        return backbone, None
    name, card, frozen = plan.reference.name, plan.card((1, 1)), plan.options.freeze_backbone
    return backbone, start_from(backbone, start, name, card.mean, card.std, frozen=frozen)


def _prepare(
    plan: Plan, folder: Path, device: torch.device, tell: Callable[[str], None]
) -> tuple[Inspection, Features | None, dict[str, str]]:
    """Inspect every item, and return the plan's features and contents too.

    The backbone's start is checked first, since reading the items may take hours.
    """
    backbone, matched = _make_backbone(plan)
    for line in matched.lines() if matched else ():
        tell(line)
    inspection = _inspect(plan, folder)
    check_backbone(plan.card(inspection.size), plan.reference)
    plan.augmentation.dry_run(len(plan.backbone.mean), inspection.size)
    if not plan.options.uses_whole_items:
        items = {each.name: Item(each.name, str(each.path)) for each in plan.examples}
        return inspection, None, {name: content_digest(item) for name, item in items.items()}
    extraction = Extraction(
        plan.recipe.plain()["read"],
        replace(plan.preparation, block=plan.recipe.run.batch),
        plan.card(inspection.size),
        backbone,
        device,
        _worker_count(plan),
    )
    features = extraction.run(plan.examples, folder / "features", tell)
    contents = {each.name: path_digest(features.paths[each.path]) for each in plan.examples}
    return inspection, features, contents


def _worker_count(plan: Plan) -> int:
    """Return the reading processes per training process: 1 without GPUs, to save cores."""
    workers = plan.recipe.run.workers
    if workers != "auto":
        return workers
    if not torch.cuda.is_available():
        return 1
    return min(_MOST_READERS, max(1, available_cores() // device_count(plan.options) - 1))


def _inspect(plan: Plan, folder: Path) -> Inspection:
    options = plan.options
    inspection = inspect_pictures(
        plan.examples,
        plan.preparation,
        channels=len(plan.backbone.mean),
        allow_duplicates=options.allow_duplicates,
        whole=options.uses_whole_items,
        directory=folder,
        table=options.table,
        names=plan.names,
        folds=[fold.examples for fold in plan.folds()],
    )
    lacking = shortage_warnings(find_shortages(plan))
    return replace(inspection, warnings=(*plan.warnings, *inspection.warnings, *lacking))


def thread_count(available: int, processes: int, workers: int) -> int:
    """Return the number of torch threads in one of several processes that train together.

    It is the process's share of the cores, less one for each of its reading workers, but at least
    half the share. A thread that shares its core keeps all the others waiting, several times per
    layer.
    """
    own = max(1, available // processes)
    return max(own - workers, (own + 1) // 2)
