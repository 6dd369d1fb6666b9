"""Read the header of a classified file for its results; its pixels are never used."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from diascope.errors import ReadError
from diascope.privacy import BURNED_IN
from diascope.pseudonyms import looks_like_dicom
from diascope.sample import Item, Prediction

if TYPE_CHECKING:
    from pydicom import Dataset

UTF_8 = "ISO_IR 192"
UNKNOWN_MOMENT = ("19000101", "000000")
"""The content date and time of results if the source states no date at all."""

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UID_CHARACTERS = set("0123456789.")
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
_STUDY = ("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName")
_NAMES = ("PatientID", "PatientName", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_MOMENTS = ("Content", "Acquisition", "Series", "Study")
_SEXES = ("M", "F", "O")
_NUMBERS_AS_TEXT = ("DS", "IS")


class NoResultError(Exception):
    """This item has no result of this kind; the text says why."""


def read_source(item: Item) -> "Dataset":
    """Return the header of an item's file, with its text in UTF-8.

    Attributes that a result must have but may leave empty (type 2) are added. Invalid values, such
    as a time of ``11:20:00``, are removed, as they would make the results invalid. Names and
    identifiers stay unchanged.

    Raises:
        NoResultError: if the file is not DICOM.
        ReadError: if an identifier that a result refers to is missing or not a UID, or if the SOP
            Class is retired or private: it is then unknown which attributes describe the patient.
    """
    from pydicom import dcmread

    with item.open() as file:
        if not looks_like_dicom(file.read(132)):
            raise NoResultError("the item is not a DICOM file")
        file.seek(0)
        source = dcmread(file, stop_before_pixels=True, force=True)
    missing = [keyword for keyword in _NEEDED if not source.get(keyword)]
    if missing:
        raise ReadError(f"the file has no {' and no '.join(missing)}")
    invalid = [keyword for keyword in _NEEDED if set(source[keyword].value) - _UID_CHARACTERS]
    if invalid:
        raise ReadError(f"not a valid UID, so results cannot refer to it: {', '.join(invalid)}")
    kind = source.SOPClassUID
    if kind.is_private or kind.is_retired:
        raise ReadError(f"results cannot refer to a retired or private SOP Class: {kind.name}")
    source.decode()
    source.SpecificCharacterSet = UTF_8
    _remove_invalid_values(source)
    for keyword in (*_PATIENT, *_STUDY):
        if keyword not in source:
            setattr(source, keyword, None)
    return source


def check_picture_allowed(prediction: Prediction, run: Mapping[str, Any]) -> None:
    """Raise a NoResultError if a strict run withholds the picture because of burned-in text."""
    if run["recipe"]["privacy"] == "strict" and BURNED_IN in prediction.warnings:
        raise NoResultError("text is burned into its picture, which privacy: strict withholds")


def content_moment(source: "Dataset") -> tuple[str, str]:
    """Return the content date and time of results, which are those of the source.

    The current time would be wrong: results of the same input and run have the same identifiers,
    so they must have the same bytes.
    """
    for name in _MOMENTS:
        if date := source.get(f"{name}Date"):
            return str(date), str(source.get(f"{name}Time") or "000000")
    return UNKNOWN_MOMENT


def _remove_invalid_values(source: "Dataset") -> None:
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    for element in list(source):
        if element.keyword not in (*_NAMES, *_NEEDED) and element.VR != "SQ":
            values = element.value if element.VM > 1 else [element.value]
            try:
                for value in values:  # DS and IS are validated as text
                    encoded = str(value) if element.VR in _NUMBERS_AS_TEXT else value
                    validate_value(element.VR, encoded, RAISE)
            except ValueError:
                del source[element.tag]
    if source.get("PatientSex") not in _SEXES:
        source.PatientSex = None
