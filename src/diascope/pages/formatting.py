"""Format numbers, scores and decision rules for readers."""

import re
from collections.abc import Sequence
from typing import Any

from diascope.sample import ScoreKind


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
