"""The plan of a training, checked before anything is trained."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from diascope.card import WEIGHTS_FILE, ModelCard, file_digest
from diascope.contracts import Backbone
from diascope.errors import TableError
from diascope.evaluation.labelled_rows import columns_of
from diascope.evaluation.subgroups import check_divisible
from diascope.network import state_digest
from diascope.pages.formatting import plural
from diascope.plugin_creation import make_part, make_readers, newer_api_warnings
from diascope.preparation import Part, Preparation, file_digests
from diascope.recipe import Recipe, Reference
from diascope.table import Example, label_names, read_table
from diascope.training.artifacts import initial_card
from diascope.training.augment import AugmentationChain
from diascope.training.bags import Bags
from diascope.training.dataset import Pictures
from diascope.training.dry_run import build_layers
from diascope.training.features import Features
from diascope.training.leakage import check_unseen, source_folders
from diascope.training.options import TrainOptions, train_options
from diascope.training.split import folds_by_group, split_by_group
from diascope.training.teachers import teacher_card
from diascope.versions import library_versions

_NOT_TRAINED = {"table", "devices", "title", "licence", "data", "limits", "by", "folds"}
_NOT_TRAINED |= {"start", "teachers", "test_time", "operating_points", "allow_duplicates", "labels"}
"""Keys of ``train:`` that are not in the digest as written: they do not change the weights, or
(``start``, ``teachers``, ``labels``) are in it by content or by name."""


@dataclass(frozen=True)
class Plan:
    """A checked training.

    Attributes:
        examples: the table's rows, each with its split.
        names: of the labels, in the order of the outputs.
        head_only: whether the weights file needs only the head, as the plugin provides the
            backbone.
        fold_examples: for each fold of the cross-validation, the examples with their splits.
        warnings: about the plugins, and about the weights that training starts or learns from.
        notes: about the splits.
        features: of all items' regions, once computed; None if training uses pictures.
        contents: the rows' names to digests of their pictures or features, once they were read.
    """

    recipe: Recipe
    options: TrainOptions
    examples: Sequence[Example]
    names: tuple[str, ...]
    reference: Reference
    backbone: Backbone
    preparation: Preparation
    augmentation: AugmentationChain
    head_only: bool
    fold_examples: Sequence[Sequence[Example]] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    features: Features | None = None
    contents: Mapping[str, str] = field(default_factory=dict)

    def split(self, name: str) -> list[Example]:
        return [example for example in self.examples if example.split == name]

    def pictures(self, split: str, card: ModelCard) -> Pictures:
        """Return the dataset of a split; only ``train`` is augmented.

        For training on whole items, only ``train`` draws some of their regions instead of all.
        """
        if self.features is not None:
            regions = self.options.regions if split == "train" else 0
            return Bags(self.split(split), self.preparation, card, self.features, regions)
        augmentation = self.augmentation if split == "train" else None
        return Pictures(self.split(split), self.preparation, card, augmentation)

    def card(self, size: tuple[int, int]) -> ModelCard:
        """Return the model's card as far as it is known before training, for pictures of a size."""
        return initial_card(
            self.recipe,
            self.options,
            self.reference,
            self.backbone,
            self.names,
            size,
            head_only=self.head_only,
        )

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything that determines the weights."""
        return _sha256(self._facts)

    @cached_property
    def parts(self) -> dict[str, str]:
        """The SHA-256 of each part of what determines the weights, by a name for users."""
        facts = dict(self._facts)
        options, rows = facts.pop("train"), facts.pop("rows")
        named = {f"train.{key}": value for key, value in options.items()} | facts
        titles = {"files": "files that plugins name", "start": "weights of `start`"}
        titles |= {"normalisation": "mean and std", "teachers": "weights of `teachers`"}
        return {titles.get(name, name): _sha256(value) for name, value in named.items()} | {
            "rows, splits or folds of the table": _sha256(rows)
        }

    @cached_property
    def _facts(self) -> dict[str, Any]:
        recipe, parts = self.recipe.plain(), ("read", "accept", "preprocess", "train")
        facts: dict[str, Any] = {part: recipe[part] for part in parts} | {"labels": self.names}
        facts["train"] = {k: v for k, v in facts["train"].items() if k not in _NOT_TRAINED}
        if (start := self.options.start) is not None:
            card = self.card((1, 1))
            facts["start"] = [file_digest(start.source), start.keys]
            facts["normalisation"] = [card.mean, card.std]
        if self.options.teachers:
            facts["teachers"] = self.teacher_digests()
        preparation = self.preparation
        used: list[Part[Any]] = [*preparation.readers, *preparation.steps]
        used += self.augmentation.parts
        if self.options.start is None:  # else its weights replace those of the backbone's files
            used.append(make_part(self.reference, self.recipe))
        if files := file_digests(used):
            facts["files"] = files
        facts["rows"] = [
            (example.name, sorted(example.labels), example.group, example.split)
            + ((sorted(example.unknown), example.weight) if rich else ())
            for example in self.examples
            for rich in [example.unknown or example.weight != 1]
        ]
        return facts

    def versions(self) -> dict[str, str]:
        """Return the versions, by name, of the libraries and plugins that affect the weights."""
        preparation = self.preparation
        backbone = make_part(self.reference, self.recipe)
        parts: list[Part[Any]] = [*preparation.readers, *preparation.steps, backbone]
        plugins = [part.plugin for part in (*parts, *self.augmentation.parts)]
        return library_versions(parts) | {each.distribution: each.version for each in plugins}

    def teacher_digests(self) -> list[str]:
        """Return the SHA-256 of each teacher's weights.

        Raises:
            WeightsError: if a folder has no weights.
        """
        return [file_digest(folder / WEIGHTS_FILE) for folder in self.options.teachers]

    def sources(self) -> list[tuple[str, Path]]:
        """Return SHA-256 and folder of the weights that training starts from, and of teachers."""
        folders = source_folders(self.options)
        return [(file_digest(folder / WEIGHTS_FILE), folder) for folder in folders]

    def folds(self) -> list["Plan"]:
        """Return the plans of the cross-validation, each with another part held out."""
        return [replace(self, examples=examples) for examples in self.fold_examples]


def make_plan(recipe: Recipe) -> Plan:
    """Read the recipe's options and the table, and split the table.

    Raises:
        RecipeError, TableError, PluginError: if any of them is wrong.
        WeightsError: if the weights of a teacher or a start are missing.
    """
    options, reference = train_options(recipe)
    rows = read_table(options.table, options.task)
    names = label_names(rows, list(options.labels), options.table)
    with _naming_table(options.table):
        examples = split_by_group(
            rows, test=options.test, validation=options.validation, seed=options.seed
        )
        fold_examples = folds_by_group(
            examples, options.folds, validation=options.validation, seed=options.seed
        )
    for split in ("train", "validation"):
        if not any(example.split == split for example in examples):
            raise TableError(f"no row has the split {split!r}", where=str(options.table))
    if not any(example.weight for example in examples if example.split == "train"):
        raise TableError("every row of train has the weight 0", where=str(options.table))
    check_divisible(columns_of(examples), options.by)
    readers, _ = make_readers(recipe)
    steps = tuple(make_part(step, recipe) for step in recipe.preprocess)
    backbone = make_part(reference, recipe).instance
    plan = Plan(
        recipe=recipe,
        options=options,
        examples=examples,
        names=names,
        reference=reference,
        backbone=backbone,
        preparation=Preparation(readers, steps, block=1, acceptance=recipe.accept),
        augmentation=AugmentationChain(options.augment, str(recipe.path), recipe.base),
        head_only=options.freeze_backbone
        and options.start is None
        # two builds with the same weights: they come from the plugin and are not random
        and len({state_digest(build_layers(backbone, reference.name)) for _ in range(2)}) == 1,
        fold_examples=fold_examples,
        notes=tuple(_split_notes(rows, examples)),
    )
    return replace(plan, warnings=_check(plan, newer_api_warnings((*readers, *steps))))


def _split_notes(rows: Sequence[Example], examples: Sequence[Example]) -> Iterator[str]:
    """Yield a note if the table states splits, but validation had to be held out of its train."""
    stated = {row.split for row in rows} - {None}
    if stated and "validation" not in stated:
        held_out = [example for example in examples if example.split == "validation"]
        groups = plural(len({example.group for example in held_out}), "group")
        yield (
            "no row has the split 'validation': the option `validation` holds "
            f"{plural(len(held_out), 'picture')} of {groups} out of train for it"
        )


def _check(plan: Plan, warnings: list[str]) -> tuple[str, ...]:
    """Check what needs no pictures; return the given and the new warnings without repeats."""
    options, folds = plan.options, plan.folds()
    card = plan.card((1, 1))
    for folder in options.teachers:
        teacher_card(folder, card)
    for each in (plan, *folds):
        _check_monitor(each)
        for folder in source_folders(options):
            warnings += check_unseen(folder, each.examples)
    for number, fold in enumerate(folds, 1):
        _check_fold_labels(fold, f"fold {number} of {len(folds)}")
    return tuple(dict.fromkeys(warnings))


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@contextmanager
def _naming_table(table: Path) -> Iterator[None]:
    """Add the table's path to any TableError."""
    try:
        yield
    except TableError as error:
        raise TableError(error.message, where=str(table), hint=error.hint) from error


def _check_monitor(plan: Plan) -> None:
    """Raise a TableError if the monitored metric cannot be computed on the validation pictures.

    Some label must be known; for an AUC, some label must have pictures both with and without it.
    """
    rows = [example.vector(plan.names, plan.options.task) for example in plan.split("validation")]
    if all(math.isnan(target) for row in rows for target in row):
        raise TableError(
            "no label of any validation picture is known", where=str(plan.options.table)
        )
    if plan.options.monitor != "auc_macro":
        return
    for column in zip(*rows, strict=True):
        if {0.0, 1.0} <= set(column):
            return
    there = set().union(*(example.labels for example in plan.split("validation")))
    lacking = [name for name in plan.names if name not in there]
    counts = [f"{name} ({plural(_count_groups(plan, name), 'group')} in all)" for name in lacking]
    some = f"none has {', '.join(counts)}" if counts else f"all have {', '.join(plan.names)}"
    raise TableError(
        "no label has validation pictures both with and without it, so monitor: auc_macro cannot "
        f"be computed: {some}",
        where=str(plan.options.table),
        hint="Hold out more groups of each label, or write monitor: validation_loss.",
    )


def _check_fold_labels(plan: Plan, called: str) -> None:
    """Raise a TableError naming labels of the table that have no training picture in a fold."""
    every, learned = (
        set().union(*(example.labels for example in examples))
        for examples in (plan.examples, plan.split("train"))
    )
    if lacking := sorted(every - learned):
        hint = "Use more folds, so that each holds out less; or none."
        if alone := [name for name in lacking if _count_groups(plan, name) == 1]:
            hint = (
                f"Folds hold out whole groups, and {', '.join(alone)} has only one: write folds: 0."
            )
        raise TableError(
            f"{called} has no picture of {', '.join(lacking)} to learn from",
            where=str(plan.options.table),
            hint=hint,
        )


def _count_groups(plan: Plan, label: str) -> int:
    return len({example.group for example in plan.examples if label in example.labels})
