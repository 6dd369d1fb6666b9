"""From a training recipe to a folder of weights and their card."""

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from diascope.card import ModelCard, write_card
from diascope.contracts import Backbone
from diascope.errors import TableError
from diascope.network import Network, build_head
from diascope.output import held, write_whole
from diascope.pipeline import make_part, make_readers
from diascope.preparation import Preparation
from diascope.recipe import Recipe
from diascope.training.augment import Augmentation
from diascope.training.checkpoint import load_checkpoint
from diascope.training.loop import Progress, Trainer
from diascope.training.made import finished_card, first_card
from diascope.training.options import TrainOptions, train_options
from diascope.training.pictures import Pictures, first_sample
from diascope.training.split import split_by_group
from diascope.training.table import Example, label_names, read_table

_SHOWN = 5


@dataclass(frozen=True)
class Plan:
    """A training, checked, before anything is trained.

    Attributes:
        card: what is known of the model by now.
        digest: of all that decides the weights; a checkpoint of another digest is refused.
    """

    options: TrainOptions
    examples: Sequence[Example]
    backbone: Backbone
    preparation: Preparation
    augmentation: Augmentation
    card: ModelCard
    digest: str

    def pictures(self, split: str) -> Pictures:
        """Return the pictures of a split; only those of ``train`` are augmented."""
        chosen = [example for example in self.examples if example.split == split]
        augmentation = self.augmentation if split == "train" else None
        return Pictures(chosen, self.preparation, self.card, augmentation)


def train(
    recipe: Recipe, directory: Path, watch: Callable[[Progress], None], command: str
) -> ModelCard:
    """Train a classifier and write ``model.safetensors``, ``card.yaml``, ``split.csv`` and the
    epochs' figures, ``history.json``, into ``directory``.

    The same command again goes on where a killed one stopped. The card's metrics are measured on
    the test groups, with the weights as they are stored.

    Raises:
        RecipeError, TableError, PluginError, WeightsError: before anything is trained, for what is
            wrong with recipe, table, pictures or folder; WeightsError later, if the loss diverges.
    """
    plan = _plan(recipe)
    options, card = plan.options, plan.card
    with held(directory) as folder:
        load_checkpoint(folder, plan.digest)  # refuses a folder that holds another training
        _write_split(plan.examples, folder)
        torch.manual_seed(options.seed)
        head = build_head(card.head, plan.backbone.features, card.outputs, options.dropout)
        network = Network(plan.backbone.build(), head)
        workers = 1 if recipe.run.workers == "auto" else recipe.run.workers
        trainer = Trainer(
            network=network,
            card=card,
            options=options,
            training=plan.pictures("train"),
            validation=plan.pictures("validation"),
            directory=folder,
            digest=plan.digest,
            workers=workers,
            watch=watch,
        )
        history = trainer.fit()
        write_whole(folder / "history.json", json.dumps(history, indent=1))
        measure_on = plan.pictures("test")
        if not len(measure_on):
            measure_on = plan.pictures("validation")
        made = {"command": command, "recipe_digest": plan.digest, "seed": options.seed}
        card = finished_card(
            card, network, folder, options, plan.examples, measure_on, history, made, workers
        )
        write_card(card, folder)
    return card


def _plan(recipe: Recipe) -> Plan:
    options, reference = train_options(recipe)
    examples = read_table(options.table, options.task)
    names = label_names(examples, list(options.labels), options.table)
    examples = split_by_group(
        examples, test=options.test, validation=options.validation, seed=options.seed
    )
    backbone: Backbone = make_part(reference, recipe).instance
    readers, _ = make_readers(recipe)
    steps = tuple(make_part(step, recipe) for step in recipe.preprocess)
    preparation = Preparation(readers, steps, block=1)
    augmentation = Augmentation(options.augment, str(recipe.path))
    size = _size(examples, preparation, options.table)
    card = first_card(recipe, options, reference, backbone, names, size)
    digest = _digest(recipe, examples)
    return Plan(options, examples, backbone, preparation, augmentation, card, digest)


def _size(examples: Sequence[Example], preparation: Preparation, table: Path) -> tuple[int, int]:
    """Read every picture once; return the (height, width) that preprocessing gives.

    Raises:
        TableError: naming the pictures that cannot be read, or a split that holds none.
    """
    for split in ("train", "validation"):
        if not any(example.split == split for example in examples):
            raise TableError(f"no row has the split {split!r}", where=str(table))
    bad, size = [], (0, 0)
    for example in examples:
        try:
            height, width = first_sample(example, preparation).pixels.shape[:2]
            size = size if any(size) else (height, width)
        except TableError as error:
            bad.append(str(error))
    if bad:
        shown = "\n  ".join(bad[:_SHOWN])
        raise TableError(f"{len(bad)} pictures cannot be used:\n  {shown}", where=str(table))
    return size


def _write_split(examples: Sequence[Example], directory: Path) -> None:
    with (directory / "split.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group", "split"])
        for example in examples:
            writer.writerow(
                [example.name, "|".join(sorted(example.labels)), example.group, example.split]
            )


def _digest(recipe: Recipe, examples: Sequence[Example]) -> str:
    facts = {key: recipe.plain()[key] for key in ("preprocess", "train")}
    facts["rows"] = [
        (example.name, sorted(example.labels), example.group, example.split) for example in examples
    ]
    facts["train"] = {key: value for key, value in facts["train"].items() if key != "table"}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
