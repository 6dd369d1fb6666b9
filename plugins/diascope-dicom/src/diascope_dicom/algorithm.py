"""Describe the algorithm behind the results of a run, and derive the identifiers of results."""

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


def result_identifiers(
    kind: str, source: "Dataset", prediction: Prediction, algorithm: Algorithm, content: str = ""
) -> dict[str, Any]:
    """Return the identifying attributes of a result, as arguments for highdicom's classes.

    A series holds one kind of result for one source series and run. The instance UID also depends
    on the answer, so that different answers never share a UID. It does not depend on the source's
    patient data.
    """
    answer = json.dumps([dict(prediction.scores), prediction.predicted, prediction.warnings])
    provenance = (kind, algorithm.run, *algorithm.software)
    date, time = content_moment(source)
    number = source.get("InstanceNumber")
    return {
        "series_instance_uid": derive_uid("series", source.SeriesInstanceUID, *provenance),
        "sop_instance_uid": derive_uid(
            "instance", source.SOPInstanceUID, prediction.score_kind, answer, content, *provenance
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
    """Remove attributes that highdicom set from the clock and the source's device."""
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
