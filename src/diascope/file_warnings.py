"""Warnings from what a file states about its own picture."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from diascope.privacy import BURNED_IN, has_burned_in_text
from diascope.sample import Failed, Overview, Prediction, Sample

_SAYS = "the file says that "
_FRONTAL = {"AP", "PA", "FRONTAL"}
_CONTRADICTIONS = ("MONOCHROME1/IDENTITY", "MONOCHROME2/INVERSE")
_UPRIGHT = r"L\F"  # rows run towards the patient's left, columns towards the feet
_SQUARE = 1.1  # the highest ratio of sides of a pixel that counts as square


def warnings_from_file(sample: Sample) -> tuple[str, ...]:
    """Return the warnings that what a file states about its picture gives rise to."""
    return (*warnings_from_facts(sample.facts), *_spacing_warnings(sample.overview))


def warnings_from_facts(facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the warnings that the facts of a Sample give rise to."""
    found = [BURNED_IN] if has_burned_in_text(facts) else []
    if _is_turned(facts):
        stated = facts["orientation"].strip()
        found.append(
            f"{_SAYS}its picture is turned or mirrored (patient orientation {stated}; "
            f"upright is {_UPRIGHT}): the answer may be wrong"
        )
    if (stated := facts.get("presentation_lut", "").strip().upper()) in _CONTRADICTIONS:
        found.append(
            f"{_SAYS}its least value is both black and white ({stated}): the picture may be "
            "negative, and the answer wrong"
        )
    return tuple(found)


def add_file_warnings(outcome: Prediction | Failed, warnings: Iterable[str]) -> Prediction | Failed:
    """Return a prediction with those of ``warnings`` that come from a file; a Failed unchanged."""
    if isinstance(outcome, Failed):
        return outcome
    known = outcome.warnings
    more = [each for each in warnings if each.startswith(_SAYS) and each not in known]
    return replace(outcome, warnings=(*known, *more)) if more else outcome


def _spacing_warnings(overview: Overview | None) -> tuple[str, ...]:
    if overview is None or overview.spacing_mm is None:
        return ()
    high, wide = (1000 * side for side in overview.spacing_mm)
    if max(high, wide) <= _SQUARE * min(high, wide):
        return ()
    return (
        f"{_SAYS}its pixels are {wide:.3g} um wide and {high:.3g} um high, which is rarely true: "
        "if they are square, correct its resolution and classify it again",
    )


def _is_turned(facts: Mapping[str, str]) -> bool:
    """Whether a frontal picture (from the front or the back) is not upright.

    It is frontal if its view says so, or if its axes are left-right and head-feet.
    """
    across, _, down = facts.get("orientation", "").strip().upper().partition("\\")
    frontal = facts.get("view", "").strip().upper() in _FRONTAL
    if not (across and down) or not (frontal or {across, down} <= set("LRHF")):
        return False
    return rf"{across[0]}\{down[0]}" != _UPRIGHT  # what follows is a tilt
