"""The ``train:`` part of a recipe."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from diascope.card import Task
from diascope.document import Node
from diascope.errors import RecipeError
from diascope.recipe import Recipe, Reference, build, reference_of


@dataclass(frozen=True)
class LabelText:
    """What a report says of a label."""

    title: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True)
class TrainOptions:
    """How a classifier is trained.

    Attributes:
        table: CSV with ``path`` (relative to the table), ``label`` or ``labels`` (joined by bars),
            and optionally ``group`` (patient, specimen: never on both sides) and ``split`` (train,
            validation, test).
        task: what the labels are; ``multilabel`` gives each its own score.
        labels: label names in the order of the outputs, with their titles and codes; as found in
            the table, sorted, if empty.
        backbone: a backbone plugin.
        head: see ``ModelCard.head``.
        test, validation: shares of the pictures held out, by whole groups, where the table has no
            ``split``.
        epochs: passes over the training pictures.
        epoch_size: pictures an epoch; all of them if 0.
        balance: ``classes`` draws pictures so that rare labels come as often as frequent ones to
            the power ``balance_power``; ``none`` draws each once.
        augment: MONAI's random transforms by name, with their parameters.
        freeze_backbone: train the head only, and write a file that holds only the head.
        precision: ``32-true``, or ``bf16-mixed`` of Lightning Fabric.
        title, licence, data, limits: go into the card.
    """

    table: Path
    backbone: Any
    task: Task = "multiclass"
    labels: dict[str, LabelText] = field(default_factory=dict)
    head: Literal["linear", "conv"] = "linear"
    dropout: float = 0.2
    test: float = 0.15
    validation: float = 0.1
    epochs: int = 10
    epoch_size: int = 0
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    label_smoothing: float = 0.0
    balance: Literal["none", "classes"] = "none"
    balance_power: float = 0.5
    augment: tuple[Any, ...] = ()
    freeze_backbone: bool = False
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = 0
    title: str = ""
    licence: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("epoch_size", "seed", "dropout", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not self.learning_rate > 0 or not self.dropout < 1:
            raise ValueError("learning_rate must be above 0 and dropout below 1")
        if not (0 <= self.test < 1 and 0 < self.validation < 1 and self.test + self.validation < 1):
            raise ValueError("test and validation are shares in [0, 1) whose sum is below 1")


def train_options(recipe: Recipe) -> tuple[TrainOptions, Reference]:
    """Return the checked options and the reference to the backbone.

    Raises:
        RecipeError: with ``file:line``, if the recipe has no ``train:`` or a value is wrong.
    """
    if recipe.train is None:
        raise RecipeError(
            "has no `train:` part",
            where=str(recipe.path),
            hint="docs/training.md shows one; `pipeline run` needs none.",
        )
    values: Any = recipe.train.value
    if not isinstance(values, dict):
        raise RecipeError("train must hold keys", where=recipe.train.where)
    values = values | {"labels": _labels(values["labels"])} if "labels" in values else values
    options = build(TrainOptions, values, where=recipe.train.where, base=recipe.base)
    return options, reference_of("backbone", values["backbone"])


def _labels(node: Node) -> Node:
    """Let a plain list of names stand for labels without titles."""
    if not isinstance(node.value, list):
        return node
    return Node({str(child.plain()): Node({}, child.where) for child in node.value}, node.where)
