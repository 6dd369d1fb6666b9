"""Measurements of evidence maps, with titles and in reading order."""

from collections.abc import Mapping
from typing import Any

from diascope.display_text import plural
from diascope.pages.measures import Measure

PARTS = {
    "inside": "Does the evidence lie where it should?",
    "hiding": "Does the answer follow the evidence?",
    "randomised": "Does the evidence depend on what was learned?",
}
"""Part to the question that it answers."""

_TITLES = {
    "inside": {
        "energy": "Energy inside the mask",
        "energy_gaussian": "The same for a centred Gaussian",
        "energy_gain": "Energy above the Gaussian",
        "pointing": "Strongest place inside the mask",
        "pointing_gaussian": "The same for a centred Gaussian",
        "pointing_gain": "Strongest place above the Gaussian",
        "area": "Fraction of the picture inside the mask",
    },
    "hiding": {
        "deletion": "Deletion, lower is better",
        "insertion": "Insertion, higher is better",
        "random": "Either, in random order",
        "deletion_gain": "Deletion below random",
        "insertion_gain": "Insertion above random",
    },
    "randomised": {
        "head": "Head",
        "quarter": "Head and the last quarter of the layers",
        "half": "Head and the last half",
        "three_quarters": "Head and the last three quarters",
        "all": "All layers",
    },
}


def evidence_measures(evidence: Mapping[str, Any], part: str) -> list[Measure]:
    """Return the measurements of one part: ``inside``, ``hiding`` or ``randomised``.

    A card written by hand may lack some or all of them.
    """
    figures = (evidence.get(part) or {}).get("figures", {})
    return [
        Measure(title, figure["value"], figure.get("low"), figure.get("high"))
        for name, title in _TITLES[part].items()
        if (figure := figures.get(name))
    ]


def format_map_count(evidence: Mapping[str, Any], part: str) -> str:
    """Return how many maps a part was measured on, such as ``3 maps``; ``some maps`` if unknown."""
    cases = evidence[part].get("cases")
    return "some maps" if cases is None else plural(cases, "map")
