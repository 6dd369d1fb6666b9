"""The same metrics for subgroups of the items: does the model work for all of them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from difflib import get_close_matches

import numpy as np

from diascope.errors import UsageError
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.metrics import estimate_metrics

_FEW_ITEMS = 50
FEW_GROUPS = 10
_NOT_GIVEN = "not given"
_DIGITS = 20  # before or after the point; longer ones are not taken for numbers


@dataclass(frozen=True)
class Subgroup:
    """One part of the items.

    Attributes:
        column: the column that the items were divided by.
        value: the value or bin that the items of this part have in common.
        counts: label to the number of items with it.
        metrics: as ``estimate_metrics`` returns them.
        warning: why the metrics are unreliable or incomplete; empty if they are neither.
    """

    column: str
    value: str
    items: int
    counts: dict[str, int]
    metrics: dict[str, dict[str, float]]
    warning: str


def measure_subgroups(
    scored: LabelledScores, by: Sequence[str], *, draws: int = 1000, seed: int = 0
) -> list[Subgroup]:
    """Measure the items of each value of each column.

    Args:
        by: names of columns; ``age:20`` divides numbers into bins that are 20 wide.

    Raises:
        UsageError: as in ``split_into_parts``.
    """
    parts = []
    for request in by:
        column, values = split_into_parts(scored.columns, request)
        for value in dict.fromkeys(sorted(values, key=_order)):
            part = scored.take(np.array([each == value for each in values]))
            metrics = estimate_metrics(part, draws=draws, seed=seed)
            warning = _warning(part)
            parts.append(Subgroup(column, value, len(part), part.counts(), metrics, warning))
    return parts


def split_columns(text: str) -> list[str]:
    """Return the columns to divide by that a text such as ``sex, age:20`` names."""
    return [column.strip() for column in text.split(",") if column.strip()]


def check_divisible(columns: Mapping[str, Sequence[str]], by: Sequence[str]) -> None:
    """Check that a table can be divided as requested, before anything is run.

    Raises:
        UsageError: as in ``split_into_parts``; if a column to be binned holds no number; if a
            column is named twice, which would mix its parts.
    """
    named = set[str]()
    for request in by:
        column, _ = split_into_parts(columns, request)
        if column != request and all(_number(cell) is None for cell in columns[column]):
            raise UsageError(f"by {request}: the column {column!r} holds no numbers")
        if column in named:
            raise UsageError(f"by {request}: the column {column!r} is named twice")
        named.add(column)


def split_into_parts(columns: Mapping[str, Sequence[str]], request: str) -> tuple[str, list[str]]:
    """Return the column that a request such as ``age:20`` names, and the part of each item.

    Raises:
        UsageError: if there is no such column, or the width of a bin is not a number above 0.
    """
    column, colon, text = request.rpartition(":")
    if not colon or request in columns:
        return request, [cell.strip() or _NOT_GIVEN for cell in _column(columns, request)]
    width = _number(text)
    if width is None or not width > 0:
        raise UsageError(f"by {request}: the width of a bin must be a number above 0")
    return column, [_bin(cell, width) for cell in _column(columns, column)]


def _column(columns: Mapping[str, Sequence[str]], name: str) -> Sequence[str]:
    if name in columns:
        return columns[name]
    near = get_close_matches(name, columns, n=1)
    known = ", ".join(columns) or "none besides path, label, group and split"
    hint = f"Did you mean {near[0]!r}?" if near else f"Its columns are: {known}."
    raise UsageError(f"the table has no column {name!r} to divide by", hint=hint)


def _bin(cell: str, width: Decimal) -> str:
    """Return a number's bin, such as ``20 to below 40``, and anything else as it is."""
    number = _number(cell)
    if number is None:
        return cell.strip() or _NOT_GIVEN
    low = (number / width).to_integral_value(ROUND_FLOOR) * width
    return f"{_plain(low)} to below {_plain(low + width)}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize() + 0:f}"


def _number(text: str) -> Decimal | None:
    """Return a cell's exact number; None if it is not a number."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _DIGITS else None


def _order(value: str) -> tuple[bool, bool, Decimal, str]:
    """Sort key: numbers and bins by size, then texts, then missing values."""
    number = _number(value.split(" to below ")[0])
    return (value == _NOT_GIVEN, number is None, number or Decimal(0), value)


def _warning(part: LabelledScores) -> str:
    warnings = [f"fewer than {_FEW_ITEMS} items"] if len(part) < _FEW_ITEMS else []
    one_sided = {} if part.task == "binary" else one_sided_labels(part)
    for reason, names in one_sided.items():
        means = "metrics that need one are not defined, and means are over the other labels"
        warnings.append(f"{reason} {', '.join(names)}: {means}")
    reported = set().union(*one_sided.values())
    if rare := [name for name in rare_labels(part) if name not in reported]:
        warnings.append(f"fewer than {FEW_GROUPS} groups with or without {', '.join(rare)}")
    return "; ".join(warnings)


def one_sided_labels(scored: LabelledScores) -> dict[str, list[str]]:
    """Return the labels that no item has or that no item lacks, by that reason as text.

    Only for multilabel tasks are labels that no item lacks reported; in the other tasks, no item
    then has any of the other labels, which is reported of those.
    """
    absent = [name for name, count in scored.counts().items() if not count]
    labels = scored.measured.items() if scored.task == "multilabel" else ()
    full = [name for name, column in labels if scored.label(column)[1].all()]
    kinds = {"no item has": absent, "no item lacks": [name for name in full if name not in absent]}
    return {reason: names for reason, names in kinds.items() if names}


def rare_labels(scored: LabelledScores) -> list[str]:
    """Return the labels that fewer than ``FEW_GROUPS`` groups have or lack."""
    groups = np.array(scored.groups)
    return [
        name
        for name, column in scored.measured.items()
        if min(len(set(groups[scored.targets[:, column] == kind])) for kind in (0, 1)) < FEW_GROUPS
    ]
