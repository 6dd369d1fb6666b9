"""The plan of a training, and what identifies it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from diascope.card import WEIGHTS_FILE, ModelCard, file_digest
from diascope.contracts import Backbone
from diascope.plugin_creation import make_part
from diascope.preparation import Part, Preparation, file_digests
from diascope.recipe import Recipe, Reference
from diascope.table import Example
from diascope.training.artifacts import initial_card
from diascope.training.augment import AugmentationChain
from diascope.training.bags import Bags
from diascope.training.dataset import Pictures
from diascope.training.features import Features
from diascope.training.leakage import source_folders
from diascope.training.options import TrainOptions
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


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
