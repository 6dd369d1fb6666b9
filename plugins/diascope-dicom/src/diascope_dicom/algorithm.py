"""What made the results of a run, and under which identifiers they go."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from diascope.card import Label
from diascope.sample import Prediction, ScoreKind
from diascope_dicom.coding import dicom_text
from diascope_dicom.source import content_moment
from diascope_dicom.uid import derive_uid

if TYPE_CHECKING:
    from pydicom import Dataset

MANUFACTURER = "diascope"
NOT_A_DEVICE = "Not a medical device. For research only."
_LONG_STRING = 64


@dataclass(frozen=True)
class Algorithm:
    """The model of a run and its software.

    Attributes:
        plugin: name of the model plugin.
        version: of diascope.
        software: name and version of what writes the results.
        weights, run: SHA-256 of the weights file, and of all that decides a prediction.
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
        """Return the algorithm of the content of a ``run.json``."""
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
        """Return the score that a label is decided at; None where scores are compared with others.

        The negative label of a binary task is what is left, and has none. The operating points are
        of scores: no share is decided on at them.
        """
        if self.task == "multiclass":
            return None
        if kind != "share" and label.operating_point is not None:
            return label.operating_point
        return None if self.task == "binary" and label is self.labels[0] else 0.5

    def comparison(self, kind: ScoreKind) -> str:
        """Return in words how scores are compared with others; empty where each has a threshold."""
        if self.task != "multiclass":
            return ""
        points = {label.name: label.operating_point for label in self.labels}
        if kind == "share" or not any(points.values()):
            return "the label with the highest score"
        told = ", ".join(f"{name} {point or 1.0}" for name, point in points.items())
        return f"the label whose score is the largest multiple of its operating point ({told})"


def result_identifiers(
    kind: str, source: "Dataset", prediction: Prediction, algorithm: Algorithm, content: str = ""
) -> dict[str, Any]:
    """Return what identifies a result, as highdicom's classes take it.

    The series holds one kind of result of one source series and run. The instance's identifier
    follows from the answer too: another answer never goes under the same one. What the source says
    of its patient has no say in it.
    """
    answer = json.dumps([dict(prediction.scores), prediction.predicted, prediction.warnings])
    made = (kind, algorithm.run, *algorithm.software)
    date, time = content_moment(source)
    number = source.get("InstanceNumber")
    return {
        "series_instance_uid": derive_uid("series", source.SeriesInstanceUID, *made),
        "sop_instance_uid": derive_uid(
            "instance", source.SOPInstanceUID, prediction.score_kind, answer, content, *made
        ),
        "instance_number": max(1, int(number)) if number else 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": algorithm.name,
        "device_serial_number": algorithm.weights or None,
        "software_versions": list(algorithm.software),
        "content_date": date,
        "content_time": time,
    }


def remove_volatile(result: "Dataset") -> "Dataset":
    """Return a result without what highdicom took from the clock and from the source's device."""
    for keyword in (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "DateOfSecondaryCapture",
        "TimeOfSecondaryCapture",
        "ContributingEquipmentSequence",
    ):
        if keyword in result:
            delattr(result, keyword)
    return result
