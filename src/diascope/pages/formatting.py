"""Names, numbers and metrics in the words and the order of a reader."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diascope.card import Label
from diascope.sample import ScoreKind

METRICS = {
    "auc": "AUC",
    "auc_macro": "AUC, mean over labels",
    "balanced_accuracy": "Balanced accuracy",
    "average_precision": "Average precision",
    "average_precision_macro": "Average precision, mean over labels",
    "sensitivity_at_specificity_80": "Sensitivity at specificity 0.80",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "brier": "Brier score, lower is better",
    "ece": "Expected calibration error, lower is better",
    "set_coverage": "Sets that hold the truth",
    "set_size": "Labels in a set",
}
"""Metrics in words; any other is told by its name."""


@dataclass(frozen=True)
class Measure:
    """One metric in words, with the ends of its 95 % interval if it has one."""

    title: str
    value: float
    low: float | None
    high: float | None

    @property
    def interval_text(self) -> str:
        """The interval as text, empty if there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"{format_decimal(self.low)} \N{EN DASH} {format_decimal(self.high)}"

    @property
    def drawable(self) -> bool:
        """Whether value and interval fit on an axis from 0 to 1."""
        ends = (self.value, self.low, self.high)
        return all(end is None or 0 <= end <= 1 for end in ends)


@dataclass(frozen=True)
class Row:
    """The measures of one label, or of one part of the pictures.

    Attributes:
        cells: None for what is not defined.
        count: how many items the row is of.
        note: why its measures are to be read with care.
        code: what else the row is called: a label's name beside its title.
    """

    title: str
    cells: tuple[Measure | None, ...]
    count: int | None = None
    note: str = ""
    code: str = ""


@dataclass(frozen=True)
class MeasureTable:
    """The same measures of several labels or parts, one below the other."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def has_counts(self) -> bool:
        """Whether any row says how many items it is of."""
        return any(row.count is not None for row in self.rows)


def format_title(name: str) -> str:
    """Return a key in words, such as ``Balanced accuracy`` for ``balanced_accuracy``."""
    words = METRICS.get(name) or name.replace("_", " ")
    return words[:1].upper() + words[1:]


def typeset_number(text: str) -> str:
    """Return a number as pages write it: with the true minus, and 1e-7 for Python's 1e-07."""
    return re.sub(r"e\+?(-?)0*(\d)", r"e\1\2", text).replace("-", "\N{MINUS SIGN}")


def format_number(value: Any) -> str:
    """Return a number for a reader: whole ones in groups of three, others with four digits, of
    which large ones, from 1,000 to 10^15, are rounded to whole ones."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return typeset_number(f"{value:,}")
    short = f"{value + 0.0:.4g}"
    return typeset_number(f"{value:,.0f}" if 1000 <= abs(float(short)) < 1e15 else short)


def format_decimal(value: float, digits: int = 3) -> str:
    """Return a number with that many decimals; what rounds to 0 has no sign."""
    return typeset_number(f"{round(value, digits) + 0.0:.{digits}f}")


def format_score(score: float, kind: ScoreKind) -> str:
    """Return a score as the html report writes it: only what is 0 or 1 is told as such."""
    if kind == "logit":
        return format_decimal(score, 2)
    if 0 < score < 0.001:
        return "<0.001"
    if 0.999 < score < 1:
        return ">0.999"
    return format_decimal(score)


def plural(number: int, noun: str) -> str:
    """Return such as ``1 item`` or ``1,431 items``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_some(names: Sequence[str]) -> str:
    """Return such as ``a, b, c and 4 more``."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def decision_rule_text(task: str, points: Sequence[float | None]) -> str:
    """Return how labels are compared to decide on one, by the card's task and operating points;
    empty where each is decided on its own."""
    if task != "multiclass":
        return ""
    if not any(points):
        return "The label with the highest score is decided on."
    rule = "The label whose score is the largest multiple of its operating point is decided on"
    return f"{rule}." if all(points) else f"{rule}; without a point it is that of 1."


def to_measure(name: str, figure: Mapping[str, Any]) -> Measure:
    """Return a metric in words, from ``value`` and, if it has an interval, ``low`` and ``high``."""
    return Measure(format_title(name), figure["value"], figure.get("low"), figure.get("high"))


def measure_lines(measures: Sequence[Measure]) -> Iterator[str]:
    """Yield measures as lines of plain text, their values one below the other."""
    width = max((len(each.title) for each in measures), default=0)
    for each in measures:
        told = "" if each.low is None else f" ({each.low:.3f} to {each.high:.3f})"
        yield f"{each.title:<{width}}  {each.value:.3f}{told}"


def overall_measures(metrics: Mapping[str, Any], labels: Iterable[Label]) -> list[Measure]:
    """Return the metrics that are of the whole model, not of one label."""
    names = [label.name for label in labels]
    return [
        to_measure(name, figure)
        for name, figure in metrics.items()
        if isinstance(figure, Mapping) and not _of_label(name, names)
    ]


def label_measures(
    metrics: Mapping[str, Any], labels: Sequence[Label], counts: Mapping[str, int] | None = None
) -> MeasureTable:
    """Return the metrics that are of one label, such as ``auc_nv``, as a table of all labels.

    Args:
        counts: label to how many items have it.
    """
    names = [label.name for label in labels]
    cells: dict[tuple[str, str], Measure] = {}
    for name, figure in metrics.items():
        label = _of_label(name, names)
        if label and isinstance(figure, Mapping):
            family = name.removesuffix(f"_{label}")
            cells[family, label] = to_measure(family, figure)
    families = tuple(dict.fromkeys(family for family, _ in cells))
    rows = tuple(
        Row(
            label.title or label.name,
            tuple(cells.get((family, label.name)) for family in families),
            (counts or {}).get(label.name),
            code=label.name if label.title else "",
        )
        for label in labels
    )
    return MeasureTable(tuple(map(format_title, families)), rows)


def _of_label(name: str, labels: Sequence[str]) -> str:
    """Return the label that a metric's name ends in, the longest that fits, or an empty text."""
    if name in METRICS:
        return ""
    fitting = [label for label in labels if name.endswith(f"_{label}")]
    return max(fitting, key=len, default="")
