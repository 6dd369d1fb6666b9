"""The model card, a file that describes a set of weights and lies beside them.

After Mitchell et al. 2019, "Model Cards for Model Reporting". It is written by commands only.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from diascope.document import read_document, write_document
from diascope.errors import RecipeError, WeightsError
from diascope.fields import check_values
from diascope.sample import ScoreKind

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.yaml"
CHECKPOINT_FILE = "checkpoint.pt"
Task = Literal["binary", "multiclass", "multilabel"]
_DESCRIPTIVE = {"title", "licence", "operating_rule", "data", "metrics", "cross_validation"}
_DESCRIPTIVE |= {"subgroups", "evidence", "limits", "made", "read"}
_FIGURE = {"value", "low", "high"}


@dataclass(frozen=True)
class Label:
    """A label that a model can predict.

    Attributes:
        name: short name, used in tables, such as ``nv``.
        title: full name, used in reports.
        codes: coding scheme to code, such as ``{"SCT": "400096001"}``.
        operating_point: in binary and multilabel tasks, the lowest score at which the label is
            predicted; 0.5 if None. In multiclass tasks, the label is predicted whose score is the
            largest multiple of its operating point; 1 if None.
    """

    name: str
    title: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    operating_point: float | None = None


@dataclass(frozen=True)
class Calibration:
    """How logits are calibrated: each is multiplied by ``scale``, then ``bias`` is added.

    Attributes:
        method: ``temperature`` (one scale for all labels, one bias per label) or ``platt`` (one
            scale and one bias per label).
        scale, bias: one number for each output of the network.
        fitted_on: a description of the pictures that it was fitted on.
    """

    method: Literal["temperature", "platt"]
    scale: tuple[float, ...]
    bias: tuple[float, ...]
    fitted_on: str = ""


@dataclass(frozen=True)
class NoveltyLimit:
    """The distance beyond which a picture counts as unlike the training pictures.

    Attributes:
        thresholds: distances of a picture's features from those of the training pictures, in
            standard deviations: for the features as they are, and scaled to unit length. A
            prediction beyond either threshold carries a warning.
        fitted_on: a description of the pictures that it was fitted on.
    """

    thresholds: tuple[float, float]
    fitted_on: str = ""


@dataclass(frozen=True)
class ModelCard:
    """The inputs, outputs and origin of a set of weights.

    Attributes:
        size: (height, width) of the input in pixels; binding only for a model with a ``backbone``.
        mean, std: the normalisation of pixels in [0, 1], one number per channel.
        backbone: name of a backbone plugin, used with ``backbone_parameters``. Empty for a model
            that is not a backbone with a head and manages its own weights.
        backbone_digest: SHA-256 of the shared backbone, if the file contains only a head.
        head: ``linear`` is mean pooling and one linear layer; ``conv`` is a 3 x 3 convolution,
            ReLU and a 1 x 1 convolution to one map per label, then mean pooling; ``attention`` is
            gated attention over the regions or frames of an item and one linear layer.
        read: the reader used in training, as written in a recipe; None if unknown.
        preprocess: the steps used in training, as written in a recipe.
        test_time: ``flips`` averages the logits of the picture and its three mirror images.
        calibration: turns logits into probabilities.
        operating_rule: a description of how the labels' operating points were chosen.
        conformal: coverage, such as ``0.9``, to the lowest score at which a label belongs to the
            prediction set; for tasks with one label per picture.
        novelty: the limit beyond which a picture is unlike the training pictures; the statistics
            for it are in the weights file. None for weights without them.
        digest: SHA-256 of the weights file.
        data: name, licence, citation and counts of the training data.
        metrics: name to ``value, low, high`` (95 % interval) on groups never trained on.
        cross_validation: the metrics on the held-out pictures of all folds together.
        subgroups: subgroup, such as ``sex=male``, to the metrics of its pictures.
        evidence: the measurements of the evidence maps by `pipeline evaluate --evidence`:
            ``inside`` the masks, by ``hiding`` and with ``randomised`` weights, each empty or
            ``cases`` and ``figures``, name to ``value, low, high``. ``measured_on`` and ``masks``
            name the data.
        limits: what it must not be used for.
        made: command, date, recipe digest, seed, precision and versions.
    """

    name: str
    task: Task
    labels: tuple[Label, ...]
    size: tuple[int, int]
    backbone: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    score_kind: ScoreKind
    head: Literal["linear", "conv", "attention"] = "linear"
    backbone_parameters: dict[str, Any] = field(default_factory=dict)
    backbone_digest: str | None = None
    read: Any = None
    preprocess: tuple[Any, ...] = ()
    test_time: Literal["none", "flips"] = "none"
    calibration: Calibration | None = None
    operating_rule: str = ""
    conformal: dict[str, float] = field(default_factory=dict)
    novelty: NoveltyLimit | None = None
    digest: str = ""
    title: str = ""
    licence: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    cross_validation: dict[str, Any] = field(default_factory=dict)
    subgroups: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names."""
        return tuple(label.name for label in self.labels)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The labels of the network's outputs; a binary network has one, of its second label."""
        return self.names[-1:] if self.task == "binary" else self.names

    @property
    def outputs(self) -> int:
        """The number of outputs of the network."""
        return len(self.output_names)

    @property
    def aggregation(self) -> Literal["mean", "attention"]:
        """How an item's frames or regions become one answer, unless the recipe says otherwise."""
        return "attention" if self.head == "attention" else "mean"

    def plain(self) -> dict[str, Any]:
        """Return the card as plain values, as in its file and in ``--json``."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def deciding(self) -> dict[str, Any]:
        """Return the fields that determine an answer, without those that only describe."""
        names = (each.name for each in fields(self) if each.name not in _DESCRIPTIVE)
        return {name: _plain(getattr(self, name)) for name in names}

    def contradiction(self) -> str:
        """Return the first inconsistency in the card, or an empty text."""
        points = [label.operating_point for label in self.labels]
        if self.task == "binary" and len(self.labels) != 2:
            return f"a binary task has two labels (negative, positive), got {len(self.labels)}"
        if self.task == "multiclass" and len(self.labels) < 2:
            return "a multiclass task has at least two labels"
        if not self.labels:
            return "it has no labels"
        if len(set(self.names)) != len(self.names):
            return f"labels repeat: {', '.join(self.names)}"
        if "macro" in self.names:
            return "a label cannot be called macro, the name of the mean over labels"
        if self.calibration is not None:
            numbers = {len(self.calibration.scale), len(self.calibration.bias)}
            if numbers != {self.outputs}:
                return f"calibration needs {self.outputs} numbers of scale and of bias"
        if (self.score_kind == "probability") != (self.calibration is not None):
            return "score_kind is probability if, and only if, the card has a calibration"
        if any(point is not None and point <= 0 for point in points):
            return "an operating point must be above 0"
        if self.novelty is not None and not min(self.novelty.thresholds) > 0:
            return f"the thresholds of novelty must be above 0, got {self.novelty.thresholds}"
        overall = {"metrics": self.metrics, "cross_validation": self.cross_validation}
        for part, metrics in (overall | self.subgroups).items():
            if not (isinstance(metrics, Mapping) and all(map(_is_figure, metrics.values()))):
                return f"{part}: each metric needs a value, and both low and high or neither"
        for part in ("inside", "hiding", "randomised"):
            if not _is_measurement(self.evidence.get(part) or {}):
                return f"evidence: {part} must hold the number of cases, and figures like metrics"
        if len(self.mean) != len(self.std) or 0 in self.std:
            return f"mean and std need one number per channel, std not 0: {self.mean}, {self.std}"
        return ""


def _is_figure(figure: object) -> bool:
    """Return whether a metric is a scalar, or a value with or without an interval."""
    if not isinstance(figure, Mapping):
        return True
    numbers = all(isinstance(figure[name], int | float) for name in _FIGURE & figure.keys())
    return numbers and "value" in figure and ("low" in figure) == ("high" in figure)


def _is_measurement(part: object) -> bool:
    """Return whether a part of ``evidence`` is a mapping with valid cases and figures."""
    if not isinstance(part, Mapping):
        return False
    cases, figures = part.get("cases"), part.get("figures", {})
    if not isinstance(cases, int | None) or not isinstance(figures, Mapping):
        return False
    found = filter(None, figures.values())
    return all(isinstance(figure, Mapping) and _is_figure(figure) for figure in found)


def read_card(directory: Path) -> ModelCard:
    """Read the card in a weights folder.

    Raises:
        WeightsError: if the folder or the card is missing, or the card is inconsistent.
    """
    path = directory / CARD_FILE
    if not path.is_file():
        found = f"it holds no {CARD_FILE}" if directory.is_dir() else "no such folder"
        hint = f"A weights folder holds {WEIGHTS_FILE} and {CARD_FILE}; `pipeline train` makes one."
        if (directory / CHECKPOINT_FILE).is_file():
            hint = "The training there is unfinished; run its command again to resume it."
        raise WeightsError(found, where=str(directory), hint=hint)
    try:
        document = read_document(path)
        if not isinstance(document.value, dict):
            raise RecipeError("a card must hold keys", where=document.where)
        card = ModelCard(**check_values(ModelCard, document.value, where=document.where))
    except RecipeError as error:
        raise WeightsError(error.message, where=error.where, hint=error.hint) from error
    if wrong := card.contradiction():
        raise WeightsError(wrong, where=str(path))
    return card


def write_card(card: ModelCard, directory: Path) -> None:
    """Write the card into a weights folder atomically."""
    part = directory / f"{CARD_FILE}.part"
    with part.open("w", encoding="utf-8", newline="\n") as file:
        write_document(card.plain(), file)
    part.replace(directory / CARD_FILE)


def check_digest(card: ModelCard, directory: Path) -> None:
    """Raise a WeightsError unless the weights file is the one that the card describes."""
    path = directory / WEIGHTS_FILE
    if file_digest(path) != card.digest:
        raise WeightsError(
            "the file is not the one that its card describes (their SHA-256 differ)",
            where=str(path),
            hint=f"Copy {WEIGHTS_FILE} and {CARD_FILE} together, or train again.",
        )


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; raise a WeightsError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
