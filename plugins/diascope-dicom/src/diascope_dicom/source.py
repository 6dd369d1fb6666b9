"""What a result takes over from the file that was classified: its header, never its pixels."""

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
"""The content date and time of results from a source that gives no date at all."""

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UID_CHARACTERS = set("0123456789.")
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
_STUDY = ("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName")
_NAMES = ("PatientID", "PatientName", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_MOMENTS = ("Content", "Acquisition", "Series", "Study")
_SEXES = ("M", "F", "O")
_NUMBERS_AS_TEXT = ("DS", "IS")


class NoResultError(Exception):
    """There is no such result of this item; the text says why."""


def read_source(item: Item) -> "Dataset":
    """Return the header of an item's file, its text in UTF-8.

    Attributes that a result must have, but may leave empty (type 2), are there. A value that is
    none of its kind, such as a time of ``11:20:00``, is left away: it would make the results
    invalid. Names and identifiers stay as they are.

    Raises:
        NoResultError: if the file is not DICOM.
        ReadError: if it lacks an identifier that a result refers to, if that is no UID, or if its
            SOP Class is retired or private: then no table says which attributes are the patient's.
    """
    from pydicom import dcmread

    with item.open() as file:
        if not looks_like_dicom(file.read(132)):
            raise NoResultError("the item is no DICOM file")
        file.seek(0)
        source = dcmread(file, stop_before_pixels=True, force=True)
    missing = [keyword for keyword in _NEEDED if not source.get(keyword)]
    if missing:
        raise ReadError(f"the file has no {' and no '.join(missing)}")
    odd = [keyword for keyword in _NEEDED if set(source[keyword].value) - _UID_CHARACTERS]
    if odd:
        raise ReadError(f"no UID, and results cannot refer to it: {', '.join(odd)}")
    kind = source.SOPClassUID
    if kind.is_private or kind.is_retired:
        raise ReadError(f"results cannot refer to a retired or private SOP Class: {kind.name}")
    source.decode()
    source.SpecificCharacterSet = UTF_8
    _leave_away_unsound(source)
    for keyword in (*_PATIENT, *_STUDY):
        if keyword not in source:
            setattr(source, keyword, None)
    return source


def check_picture_allowed(prediction: Prediction, run: Mapping[str, Any]) -> None:
    """Raise a NoResultError if a strict run withholds the picture, as text is burned into it."""
    if run["recipe"]["privacy"] == "strict" and BURNED_IN in prediction.warnings:
        raise NoResultError("text is burned into its picture, which privacy: strict withholds")


def content_moment(source: "Dataset") -> tuple[str, str]:
    """Return the date and time of the content of results: the source's own.

    Results of the same input and run have the same identifiers, so they must have the same bytes;
    the clock would change them.
    """
    for name in _MOMENTS:
        if date := source.get(f"{name}Date"):
            return str(date), str(source.get(f"{name}Time") or "000000")
    return UNKNOWN_MOMENT


def _leave_away_unsound(source: "Dataset") -> None:
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    for element in list(source):
        if element.keyword not in (*_NAMES, *_NEEDED) and element.VR != "SQ":
            values = element.value if element.VM > 1 else [element.value]
            try:
                for value in values:  # numbers that are written as text are checked as text
                    written = str(value) if element.VR in _NUMBERS_AS_TEXT else value
                    validate_value(element.VR, written, RAISE)
            except ValueError:
                del source[element.tag]
    if source.get("PatientSex") not in _SEXES:
        source.PatientSex = None
