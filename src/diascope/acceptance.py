"""Skip items that a recipe is not meant for, by what their files state."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from diascope.display_text import quote

_TERM = re.compile(
    r"AR|BI|BMD|CR|CT|DG|DX|EPS|ES|GM|IO|IVOCT|IVUS|LS|MG|MR|NM|OAM|OCT|OP|OPT|OT|PT|PX|RF|RG|RTIMAGE"
    r"|SC|SEG|SM|SMR|SRF|TG|US|VA|XA|XC"
    r"|AP|PA|LL|RL|LLO|LLD|RLO|RLD|CC|MLO|[LRBU]|YES|NO|FOR (PRESENTATION|PROCESSING)"
    r"|(ORIGINAL|DERIVED)/(PRIMARY|SECONDARY)|MONOCHROME[12]/(IDENTITY|INVERSE)"
)
"""Values that DICOM defines. A reason quotes all others: somebody may have typed them."""


@dataclass(frozen=True)
class AcceptanceRule:
    """The ``accept:`` part of a recipe.

    Attributes:
        facts: accepted values by name of a fact of ``Sample.facts``; case does not matter.
        missing: what to do with an item whose file does not state a fact.
    """

    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: Literal["accept", "skip"] = "accept"

    def rejection_reason(self, facts: Mapping[str, str]) -> str:
        """Return why an item is not accepted; empty if it is."""
        for name, accepted in self.facts.items():
            title = name.replace("_", " ")
            value, expected = facts.get(name, "").strip(), " or ".join(accepted)
            if not value and self.missing == "skip":
                return f"the file states no {title}; the recipe wants {expected}"
            if value and value.upper() not in {each.upper() for each in accepted}:
                shown = value if _TERM.fullmatch(value.upper()) else quote(value)
                return f"{title} is {shown}; the recipe is for {expected}"
        return ""

    def plain(self) -> dict[str, object]:
        """Return the rule as it is written in a recipe."""
        return {name: list(values) for name, values in self.facts.items()} | {
            "missing": self.missing
        }
