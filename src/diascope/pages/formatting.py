"""Format names, numbers and metrics for readers, and put metrics in reading order."""

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
    "set_coverage": "Prediction sets that contain the truth",
    "set_size": "Labels per prediction set",
}
"""Titles of metrics; any other title is made from the metric's name."""


@dataclass(frozen=True)
class Measure:
    """The title and value of one metric, with the ends of its 95 % interval if it has one."""

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

    def fits(self, start: int) -> bool:
        """Return whether value and interval fit on an axis from ``start`` to 1."""
        ends = (self.value, self.low, self.high)
        return all(end is None or start <= end <= 1 for end in ends)


@dataclass(frozen=True)
class MeasureRow:
    """The measures of one label or of one subgroup.

    Attributes:
        cells: one measure per column; None where it is not defined.
        count: number of items.
        note: why its measures should be read with care.
        code: a label's name, if its title is something else.
    """

    title: str
    cells: tuple[Measure | None, ...]
    count: int | None = None
    note: str = ""
    code: str = ""


@dataclass(frozen=True)
class MeasureTable:
    """The same measures of several labels or subgroups, one row each."""

    columns: tuple[str, ...]
    rows: tuple[MeasureRow, ...]

    @property
    def has_counts(self) -> bool:
        """Whether any row has a number of items."""
        return any(row.count is not None for row in self.rows)


def format_title(name: str) -> str:
    """Return the title of a key, such as ``Balanced accuracy`` for ``balanced_accuracy``."""
    words = METRICS.get(name) or name.replace("_", " ")
    return words[:1].upper() + words[1:]


def typeset_number(text: str) -> str:
    """Return the text of a number with a true minus sign, and 1e-7 instead of Python's 1e-07."""
    return re.sub(r"e\+?(-?)0*(\d)", r"e\1\2", text).replace("-", "\N{MINUS SIGN}")


def format_number(value: Any) -> str:
    """Return a number as text; anything else is returned as ``str``.

    Integers get thousands separators. Floats get four significant digits; from 1,000 to 10^15 they
    are rounded to integers.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return typeset_number(f"{value:,}")
    short = f"{value + 0.0:.4g}"
    return typeset_number(f"{value:,.0f}" if 1000 <= abs(float(short)) < 1e15 else short)


def format_decimal(value: float, digits: int = 3) -> str:
    """Return a number with ``digits`` decimals; one that rounds to 0 has no sign."""
    return typeset_number(f"{round(value, digits) + 0.0:.{digits}f}")


def format_score(score: float, kind: ScoreKind) -> str:
    """Return a score as text, such as ``0.873``; only exactly 0 or 1 is shown as 0 or 1."""
    if kind == "logit":
        return format_decimal(score, 2)
    if 0 < score < 0.001:
        return "<0.001"
    if 0.999 < score < 1:
        return ">0.999"
    return format_decimal(score)


def plural(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 item`` or ``1,431 items``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_some(names: Sequence[str]) -> str:
    """Return the first three names and how many more there are: ``a, b, c and 4 more``."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def decision_rule_text(task: str, points: Sequence[float | None]) -> str:
    """Return how a multiclass label is predicted, by the card's task and operating points.

    Empty for other tasks, which decide each label on its own.
    """
    if task != "multiclass":
        return ""
    if not any(points):
        return "The label with the highest score is predicted."
    rule = "The label whose score is the largest multiple of its operating point is predicted"
    return f"{rule}." if all(points) else f"{rule}; a label without one counts as having 1."


def describe_coverage(coverage: float) -> str:
    """Return the nominal coverage of prediction sets, as a card's ``measured_on`` names it."""
    return f"sets of {coverage:g} coverage"


def to_measure(name: str, figure: Mapping[str, Any]) -> Measure:
    """Return a metric from its ``value`` and, if it has an interval, ``low`` and ``high``."""
    return Measure(format_title(name), figure["value"], figure.get("low"), figure.get("high"))


def axis_start(measures: Iterable[Measure]) -> int:
    """Return the start of an axis that ends at 1: -1 if a measure that fits is below 0, else 0."""
    return -1 if any(each.fits(-1) and not each.fits(0) for each in measures) else 0


def measure_lines(measures: Sequence[Measure]) -> Iterator[str]:
    """Yield measures as lines of plain text with aligned values."""
    width = max((len(each.title) for each in measures), default=0)
    for each in measures:
        interval = "" if each.low is None else f" ({each.low:.3f} to {each.high:.3f})"
        yield f"{each.title:<{width}}  {each.value:.3f}{interval}"


def overall_measures(metrics: Mapping[str, Any], labels: Iterable[Label]) -> list[Measure]:
    """Return the metrics of the whole model, without those of single labels."""
    names = [label.name for label in labels]
    return [
        to_measure(name, figure)
        for name, figure in metrics.items()
        if isinstance(figure, Mapping) and not _of_label(name, names)
    ]


def label_measures(
    metrics: Mapping[str, Any], labels: Sequence[Label], counts: Mapping[str, int] | None = None
) -> MeasureTable:
    """Return the metrics of single labels, such as ``auc_nv``, as a table with a row per label.

    Args:
        counts: label to the number of items that have it.
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
        MeasureRow(
            label.title or label.name,
            tuple(cells.get((family, label.name)) for family in families),
            (counts or {}).get(label.name),
            code=label.name if label.title else "",
        )
        for label in labels
    )
    return MeasureTable(tuple(map(format_title, families)), rows)


def _of_label(name: str, labels: Sequence[str]) -> str:
    """Return the longest label that a metric's name ends in; empty if it is of no label."""
    if name in METRICS:
        return ""
    return max((label for label in labels if name.endswith(f"_{label}")), key=len, default="")
