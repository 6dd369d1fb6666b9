"""Measurements of evidence maps in the words and the order of a reader."""

from collections.abc import Mapping
from typing import Any

from diascope.pages.formatting import Measure, plural

PARTS = {
    "inside": "Does the evidence lie where it should?",
    "hiding": "Does the answer follow the evidence?",
    "randomised": "Does the evidence depend on what was learned?",
}
"""What is measured, as questions."""

_TITLES = {
    "inside": {
        "energy": "Energy inside the mask",
        "energy_gaussian": "The same of a centred Gaussian",
        "energy_gain": "Energy above the Gaussian",
        "pointing": "Strongest place inside the mask",
        "pointing_gaussian": "The same of a centred Gaussian",
        "pointing_gain": "Strongest place above the Gaussian",
        "area": "Share of the picture inside the mask",
    },
    "hiding": {
        "deletion": "Deletion, lower is better",
        "insertion": "Insertion, higher is better",
        "random": "Both in random order",
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
    """Return what was measured of one part: ``inside``, ``hiding`` or ``randomised``; nothing of
    one that a card written by hand leaves out."""
    figures = (evidence.get(part) or {}).get("figures", {})
    return [
        Measure(title, found["value"], found.get("low"), found.get("high"))
        for name, title in _TITLES[part].items()
        if (found := figures.get(name))
    ]


def format_map_count(evidence: Mapping[str, Any], part: str) -> str:
    """Return of how many maps a part was measured, such as ``3 maps``; ``some maps`` if it does not
    say."""
    cases = evidence[part].get("cases")
    return "some maps" if cases is None else plural(cases, "map")
