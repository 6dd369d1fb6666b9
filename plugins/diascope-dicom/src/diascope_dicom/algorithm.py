"""Describe the algorithm behind the results of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from diascope.card import Label
from diascope.sample import ScoreKind
from diascope_dicom.coding import dicom_text

MANUFACTURER = "diascope"
NOT_A_DEVICE = "Not a medical device. For research only."
_LONG_STRING = 64


@dataclass(frozen=True)
class Algorithm:
    """The model of a run and its software.

    Attributes:
        plugin: name of the model plugin.
        version: version of diascope.
        software: names and versions of the packages that write the results.
        weights: SHA-256 of the weights file.
        run: SHA-256 of everything that determines a prediction.
        rule: how the operating points were chosen, in words.
    """

    name: str
    plugin: str
    version: str
    software: tuple[str, ...]
    weights: str
    run: str
    rule: str
    task: str
    labels: tuple[Label, ...]

    @classmethod
    def from_run(cls, run: Mapping[str, Any]) -> "Algorithm":
        """Return the algorithm described by the content of a ``run.json``."""
        card = run["card"]
        own = run["versions"][MANUFACTURER]
        packages = ("diascope-dicom", "highdicom")
        return cls(
            name=dicom_text(card["name"])[:_LONG_STRING],
            plugin=run["weights"]["model"],
            version=own,
            software=(f"{MANUFACTURER} {own}", *(f"{name} {version(name)}" for name in packages)),
            weights=run["weights"]["digest"],
            run=run["digest"],
            rule=card["operating_rule"],
            task=card["task"],
            labels=tuple(Label(**label) for label in card["labels"]),
        )

    def threshold(self, label: Label, kind: ScoreKind) -> float | None:
        """Return the score from which a label is present, or None if the decision has no threshold.

        Labels of a multiclass task are compared with each other, and the negative label of a binary
        task is the complement of the other: they have none. Operating points apply to scores, not
        to shares.
        """
        if self.task == "multiclass":
            return None
        if kind != "share" and label.operating_point is not None:
            return label.operating_point
        return None if self.task == "binary" and label is self.labels[0] else 0.5

    def comparison(self, kind: ScoreKind) -> str:
        """Return in words how labels are compared; empty if each label has its own threshold."""
        if self.task != "multiclass":
            return ""
        points = {label.name: label.operating_point for label in self.labels}
        if kind == "share" or not any(points.values()):
            return "the label with the highest score"
        listed = ", ".join(f"{name} {point or 1.0}" for name, point in points.items())
        return f"the label whose score is the largest multiple of its operating point ({listed})"
