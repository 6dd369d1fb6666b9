"""The ``train:`` section of a recipe."""

import math
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval

from diascope.card import Task
from diascope.document import Node
from diascope.errors import RecipeError
from diascope.fields import build
from diascope.recipe import Recipe, Reference, reference_of
from diascope.training.operating_points import Rule
from diascope.training.start import Start

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
_Positive = Annotated[int, Ge(1)]
_Count = Annotated[int, Ge(0)]
_Weight = Annotated[float, Interval(ge=0, lt=math.inf)]
_Share = Annotated[float, Interval(ge=0, lt=1)]

_PARTS: dict[str, tuple[type, str]] = {"start": (Start, "file"), "operating_points": (Rule, "by")}
"""Keys whose values have keys of their own, and the key that a plain value sets."""

_PICTURES_ONLY = ("augment", "mixup", "teachers", "frozen_epochs", "layer_decay", "test_time")
"""Keys that have no effect where the features of regions are computed only once."""


@dataclass(frozen=True)
class LabelText:
    """Title and codes of a label in reports."""

    title: str = ""
    codes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainOptions:
    """How a classifier is trained.

    Attributes:
        table: CSV with ``path`` (relative to the table), ``label`` or ``labels`` (separated by
            ``|``), and optionally ``group`` (patient, specimen: never in two splits) and ``split``
            (train, validation, test).
        task: the kind of labels; ``multilabel`` scores each label on its own.
        labels: label names in the order of the outputs, with their titles and codes; if empty,
            the labels of the table, sorted.
        backbone: a backbone plugin.
        head: see ``ModelCard.head``. ``attention`` learns from whole items; a frozen backbone
            computes the features of their regions once.
        regions: how many regions of an item to draw each time; 0 uses all of them.
        test, validation: fractions of the pictures to hold out, by whole groups, if the table has
            no ``split``.
        epochs: passes over the training pictures.
        epoch_size: pictures per epoch; 0 uses all of them.
        start: weights of another project that the backbone starts from.
        balance: against label imbalance: ``sampling`` draws pictures of rare labels more often,
            ``weights`` gives them more weight in the loss, both by rarity to the power
            ``balance_power``.
        loss: ``focal`` gives pictures less weight the surer their answer is, to the power
            ``focal_gamma``.
        logit_adjustment: factor of the labels' log frequency that is added to the logits in
            training.
        augment: random transforms by name (MONAI's, ours and those of plugins) with their
            parameters.
        mixup: alpha of the Beta distribution for mixing pairs of pictures and their targets within
            a batch; 0 turns it off.
        teachers: folders of weights whose answers are learned from, in addition to the labels.
        teacher_share: weight of the teachers' mean answer in the target; the labels have the rest.
        freeze_backbone: train the head only, and write a file that holds only the head.
        frozen_epochs: number of first epochs in which only the head is trained.
        layer_decay: learning rate of the first layer, as a fraction of the head's.
        ema: decay per step of an exponential moving average of the weights, which is then kept
            instead of the weights; 0 turns it off.
        monitor: metric that chooses the best epoch, on validation; or the training's ``loss``.
        patience: stop after this many epochs without improvement; 0 never stops early.
        precision: ``32-true``, or Lightning Fabric's ``16-mixed`` or ``bf16-mixed``; see also
            ``training_precision``.
        allow_duplicates: allow the same picture in two splits, with a warning.
        test_time: see ``ModelCard.test_time``.
        operating_points: how they are chosen on the validation pictures.
        by: columns of the table for subgroup metrics on the test pictures, such as ``sex`` or
            ``age:20`` (in steps of 20).
        folds: number of cross-validation folds, trained and evaluated in addition; 0 for none.
        devices: number of GPUs; ``auto`` uses all. Without a GPU, number of processes on the CPU;
            ``auto`` uses one.
        title, licence, data, limits: copied to the card.
    """

    table: Path
    backbone: Any
    start: Start | None = None
    task: Task = "multiclass"
    labels: dict[str, LabelText] = field(default_factory=dict)
    head: Literal["linear", "conv", "attention"] = "linear"
    regions: _Count = 512
    dropout: _Share = 0.2
    test: _Share = 0.15
    validation: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    epochs: _Positive = 10
    epoch_size: _Count = 0
    batch: _Positive = 32
    learning_rate: Annotated[float, Interval(gt=0, lt=math.inf)] = 1e-3
    weight_decay: _Weight = 1e-4
    label_smoothing: _Share = 0.0
    balance: Literal["none", "sampling", "weights"] = "none"
    balance_power: _Weight = 0.5
    loss: Literal["cross-entropy", "focal"] = "cross-entropy"
    focal_gamma: _Weight = 2.0
    logit_adjustment: _Weight = 0.0
    augment: tuple[Any, ...] = ()
    mixup: _Weight = 0.0
    teachers: tuple[Path, ...] = ()
    teacher_share: Annotated[float, Interval(gt=0, le=1)] = 0.8
    freeze_backbone: bool = False
    frozen_epochs: _Count = 0
    layer_decay: Annotated[float, Interval(gt=0, le=1)] = 1.0
    ema: _Share = 0.0
    monitor: Literal["auc_macro", "balanced_accuracy", "validation_loss", "loss"] = "auc_macro"
    patience: _Count = 0
    precision: Precision = "32-true"
    allow_duplicates: bool = False
    test_time: Literal["none", "flips"] = "none"
    operating_points: Rule = field(default_factory=Rule)
    by: tuple[str, ...] = ()
    folds: _Count = 0
    devices: Literal["auto"] | _Positive = "auto"
    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)] = 0
    title: str = ""
    licence: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()

    @property
    def uses_whole_items(self) -> bool:
        """Whether training uses whole items, by a frozen backbone's features of their regions."""
        return self.head == "attention"

    def __post_init__(self) -> None:
        if self.folds == 1:
            raise ValueError("folds must be 0 or at least 2, got 1")
        if self.monitor == "balanced_accuracy" and self.task == "multilabel":
            raise ValueError("monitor: balanced_accuracy needs one label per picture")
        if not self.test + self.validation < 1:
            both = f"{self.test} and {self.validation}"
            raise ValueError(f"test and validation must add up to less than 1, got {both}")
        self._check_head_options()

    def _check_head_options(self) -> None:
        if self.uses_whole_items and not self.freeze_backbone:
            raise ValueError(
                "head: attention learns from whole items, which have too many regions to pass "
                "through the network in every step; add freeze_backbone: true"
            )
        idle = _PICTURES_ONLY if self.uses_whole_items else ("regions",)
        defaults = {each.name: each.default for each in fields(self)}
        if unused := [name for name in idle if getattr(self, name) != defaults[name]]:
            raise ValueError(f"{', '.join(unused)}: no effect with head: {self.head}; remove it")


def train_options(recipe: Recipe) -> tuple[TrainOptions, Reference]:
    """Return the checked options and the reference to the backbone.

    Raises:
        RecipeError: with ``file:line``, if the recipe has no ``train:`` or a value is wrong.
    """
    if recipe.train is None:
        raise RecipeError(
            "has no `train:` section",
            where=str(recipe.path),
            hint="docs/training.md shows one; `pipeline run` needs none.",
        )
    values: Any = recipe.train.value
    if not isinstance(values, dict):
        raise RecipeError("train must hold keys", where=recipe.train.where)
    values = (
        values | {"labels": _as_label_mapping(values["labels"])} if "labels" in values else values
    )
    plain = {key: node for key, node in values.items() if key not in _PARTS}
    options = build(TrainOptions, plain, where=recipe.train.where, base=recipe.base)
    parts: dict[str, Any] = {
        key: _build_part(*_PARTS[key], values[key], recipe) for key in _PARTS if key in values
    }
    return replace(options, **parts), reference_of("backbone", values["backbone"])


def _build_part(target: type, key: str, node: Node, recipe: Recipe) -> Any:
    """Build a nested part of the options; a plain value sets only ``key``."""
    values = node.value if isinstance(node.value, dict) else {key: node}
    return build(target, values, where=node.where, base=recipe.base)


def _as_label_mapping(node: Node) -> Node:
    """Return a plain list of names as a mapping to labels without titles."""
    if not isinstance(node.value, list):
        return node
    if nested := [child for child in node.value if isinstance(child.value, dict | list)]:
        raise RecipeError(
            "a list of labels must hold only names",
            where=nested[0].where,
            hint="For titles write a mapping: labels: {a: {title: ...}, b: {}}.",
        )
    names = [str(child.plain()) for child in node.value]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"labels repeat: {', '.join(twice)}", where=node.where)
    return Node({str(each.plain()): Node({}, each.where) for each in node.value}, node.where)
