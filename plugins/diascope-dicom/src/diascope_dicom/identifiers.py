"""Identify results: series by kind, source and run, instances by their whole content."""

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from diascope.sample import Prediction
from diascope_dicom.algorithm import MANUFACTURER, Algorithm
from diascope_dicom.source import content_moment
from diascope_dicom.uid import derive_uid

if TYPE_CHECKING:
    from pydicom import Dataset


def result_identifiers(
    kind: str, source: "Dataset", prediction: Prediction, algorithm: Algorithm
) -> dict[str, Any]:
    """Return the identifying attributes of a result, as arguments for highdicom's classes.

    A series holds one kind of result for one source series of one patient's study and one run. The
    instance UID is preliminary: ``finish`` replaces it. Until then, UIDs within the result may be
    derived from it.
    """
    answer = json.dumps([dict(prediction.scores), prediction.predicted, prediction.warnings])
    provenance = (kind, algorithm.run, *algorithm.software)
    study = (str(source.get("PatientID")), source.StudyInstanceUID)
    date, time = content_moment(source)
    number = source.get("InstanceNumber")
    return {
        "series_instance_uid": derive_uid("series", *study, source.SeriesInstanceUID, *provenance),
        "sop_instance_uid": derive_uid(
            "preliminary", *study, source.SOPInstanceUID, prediction.score_kind, answer, *provenance
        ),
        "instance_number": max(1, int(number)) if number else 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": algorithm.name,
        "device_serial_number": algorithm.weights or None,
        "software_versions": list(algorithm.software),
        "content_date": date,
        "content_time": time,
    }


def finish(result: "Dataset") -> "Dataset":
    """Remove what highdicom took from the clock and the source's device, and set the instance UID.

    The UID is derived from all that is written, also from what is copied from the source: results
    of another content have another UID.
    """
    for keyword in (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "DateOfSecondaryCapture",
        "TimeOfSecondaryCapture",
        "ContributingEquipmentSequence",
    ):
        if keyword in result:
            delattr(result, keyword)
    result.SOPInstanceUID = derive_uid("instance", hashlib.sha256(encode(result)).hexdigest())
    result.file_meta.MediaStorageSOPInstanceUID = result.SOPInstanceUID
    return result


def encode(result: "Dataset") -> bytes:
    """Return the content of a result's file."""
    file = io.BytesIO()
    result.save_as(file, enforce_file_format=True)
    return file.getvalue()
