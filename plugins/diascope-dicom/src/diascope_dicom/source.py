"""Read the header of a classified file for its results; its pixels are never used."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from diascope.errors import ReadError
from diascope.privacy import BURNED_IN
from diascope.pseudonyms import looks_like_dicom
from diascope.sample import Item, Prediction

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

_UTF_8 = "ISO_IR 192"
_UNKNOWN_MOMENT = ("19000101", "000000")
"""The content date and time of results if the source states no date at all."""

_NEEDED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UID = re.compile(r"(?=.{1,64}$)[0-9]+(\.[0-9]+)*")
"""PS3.5 section 9.1, but parts may start with zeros, which are frequent and do no harm."""
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
_STUDY = ("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName")
_NAMES = ("PatientID", "PatientName", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_MOMENTS = ("Content", "Acquisition", "Series", "Study")
_SEXES = ("M", "F", "O")
_NUMBERS_AS_TEXT = ("DS", "IS")
_MOMENT_VRS = ("DA", "TM")
_SINGLE_VRS = (*_MOMENT_VRS, "IS")  # highdicom takes no more values than the standard allows


class NoResultError(Exception):
    """This item has no result of this kind; the text says why."""


def read_source(item: Item) -> "Dataset":
    """Return the header of an item's file, with its text in UTF-8.

    Attributes that a result must have but may leave empty (type 2) are added. Invalid values, such
    as a time of ``11:20:00``, are removed, as they would make the results invalid. Names and
    identifiers stay unchanged.

    Raises:
        NoResultError: if the file is not DICOM.
        ReadError: if an identifier that a result refers to is missing or not a UID, if a name or
            identifier of the patient cannot be read, or if the SOP Class is retired or private: it
            is then unknown which attributes describe the patient.
    """
    from pydicom import dcmread

    from diascope.readers.dicom_tags import value

    with item.open() as file:
        if not looks_like_dicom(file.read(132)):
            raise NoResultError("the item is not a DICOM file")
        file.seek(0)
        source = dcmread(file, stop_before_pixels=True, force=True)
    missing = [keyword for keyword in _NEEDED if not value(source, keyword)]
    if missing:
        raise ReadError(f"the file has no {' and no '.join(missing)}")
    invalid = [keyword for keyword in _NEEDED if not _UID.fullmatch(str(source[keyword].value))]
    if invalid:
        raise ReadError(f"not a valid UID, so results cannot refer to it: {', '.join(invalid)}")
    kind = source.SOPClassUID
    if kind.is_private or kind.is_retired:
        raise ReadError(f"results cannot refer to a retired or private SOP Class: {kind.name}")
    for keyword in _NAMES:
        _check_name(source, keyword)
    _remove_invalid_values(source)
    source.decode()
    source.SpecificCharacterSet = _UTF_8
    for keyword in _NAMES:
        _join_name(source, keyword)
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
    return _UNKNOWN_MOMENT


def _remove_invalid_values(source: "Dataset") -> None:
    for tag in list(source.keys()):
        if not _is_valid(source, tag):
            del source[tag]
    if source.get("PatientSex") not in _SEXES:
        source.PatientSex = None


def _is_valid(source: "Dataset", tag: "BaseTag") -> bool:
    """Return whether the value of an element is valid, as far as results need it to be."""
    from pydicom.config import RAISE
    from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
    from pydicom.valuerep import validate_value

    is_known = dictionary_has_tag(tag)
    try:
        element = source[tag]
        kind = dictionary_VR(tag) if is_known else element.VR  # the file may state another
        if element.keyword in (*_NAMES, *_NEEDED) or kind == "SQ":
            return kind != "SQ" or element.VR == "SQ"
        values = element.value if element.VM > 1 else [element.value]
        for value in values:  # DS and IS are validated as text
            validate_value(kind, str(value) if kind in _NUMBERS_AS_TEXT else value, RAISE)
    except Exception:  # pydicom converts on access and may raise any kind of error
        return False
    if kind in _SINGLE_VRS and element.VM > 1:
        return is_known and dictionary_VM(tag) != "1"
    is_range = kind in _MOMENT_VRS and "-" in str(element.value)  # valid in queries only
    return not is_range


def _check_name(source: "Dataset", keyword: str) -> None:
    """Raise a ReadError that names the tag if a name or identifier cannot be read."""
    from pydicom.valuerep import PersonName

    from diascope.readers.dicom_tags import tag_name, value

    if (found := value(source, keyword)) is None:
        return
    several = list(found) if source[keyword].VM > 1 else [found]
    if not all(isinstance(each, str | PersonName) for each in several):
        raise ReadError(f"{tag_name(keyword)} is not text")


def _join_name(source: "Dataset", keyword: str) -> None:
    r"""Make one name of ``Doe\John``, which pydicom divides; names are decoded already."""
    from pydicom.valuerep import PersonName

    if keyword in source and source[keyword].VR == "PN" and source[keyword].VM > 1:
        joined = "\\".join(map(str, source[keyword].value))
        setattr(source, keyword, PersonName(joined, encodings=["utf8"]))
