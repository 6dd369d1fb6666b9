"""Metrics in reading order, with titles and intervals, for pages and the terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diascope.card import Label
from diascope.pages.formatting import format_decimal

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
