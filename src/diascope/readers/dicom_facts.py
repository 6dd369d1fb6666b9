"""Read facts about a picture from its DICOM header: acquisition, pixel spacing and remarks."""

import re

from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_interpretation import contradicts_shape
from diascope.readers.dicom_tags import tag_name, text, values

_TAGS = {
    "modality": ("Modality",),
    "body_part": ("BodyPartExamined",),
    "view": ("ViewPosition",),
    "laterality": ("ImageLaterality", "FrameLaterality", "Laterality"),
    "intent": ("PresentationIntentType",),
    "burned_in": ("BurnedInAnnotation",),
}
_VIEWS = {  # SNOMED CT and SRT codes of CID 4010, to the words of View Position
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
}
_POSITIONS = re.compile(  # defined terms of Patient Position, and what devices write instead
    r"[HFLRAP]F(P|S|DR|DL)|SEMI|(SEMI)?ERECT|UPRIGHT|STAND(ING)?|SITTING|SEATED|SUPINE|PRONE|"
    r"RECUMBENT|DECUBITUS"
)
_CALIBRATIONS = ("GEOMETRY", "FIDUCIAL")  # defined terms: a trace quotes no others
_DIRECTION = re.compile("[LRAPHF]{1,3}")
_SPACINGS = {
    "PixelSpacing": "",
    "ImagerPixelSpacing": ", at the detector: not corrected for magnification",
    "NominalScannedPixelSpacing": ", of the film that was scanned",
}


def facts(header: Dataset) -> dict[str, str]:
    """Return the facts named in ``diascope.sample.FACTS`` that the header states."""
    found = {
        fact: next(filter(None, (text(header, keyword) for keyword in keywords)), "")
        for fact, keywords in _TAGS.items()
    }
    found["view"] = found["view"] or _coded_view(header) or _misplaced_view(header)
    found["image_type"] = "/".join(str(part).strip() for part in values(header, "ImageType")[:2])
    found["orientation"] = _orientation(header)
    if shape := text(header, "PresentationLUTShape"):
        found["presentation_lut"] = f"{text(header, 'PhotometricInterpretation')}/{shape}"
    return {fact: stated for fact, stated in found.items() if stated}


def _coded_view(header: Dataset) -> str:
    for code in values(header, "ViewCodeSequence")[:1]:
        return _VIEWS.get(text(code, "CodeValue"), text(code, "CodeMeaning"))
    return ""


def _misplaced_view(header: Dataset) -> str:
    """Return what Patient Position holds besides a position: some devices put the view there."""
    stated = text(header, "PatientPosition")
    words = re.findall("[A-Z0-9]+", stated.upper())
    others = [word for word in words if not _POSITIONS.fullmatch(word)]
    return stated if others == words else " ".join(others)


def _orientation(header: Dataset) -> str:
    r"""Return the patient directions of rows and columns, such as ``L\F``, if both are valid."""
    stated = [str(each).strip().upper() for each in values(header, "PatientOrientation")]
    is_valid = len(stated) == 2 and all(map(_DIRECTION.fullmatch, stated))
    return "\\".join(stated) if is_valid else ""


def spacing(header: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Return (row, column) spacing in millimetres, and a trace line with its source."""
    for keyword, meaning in _SPACINGS.items():
        if (found := spacing_from_tag(header, keyword)) is not None:
            meant = meaning or _calibration(header, found)
            size = f"{found[0]:g} x {found[1]:g} mm"
            return found, f"size of a pixel {size} by {tag_name(keyword)}{meant}"
    fault = "holds no two lengths" if "PixelSpacing" in header else "is missing"
    return None, f"size of a pixel unknown: {tag_name('PixelSpacing')} {fault}"


def _calibration(header: Dataset, found: tuple[float, float]) -> str:
    """Return what Pixel Spacing means in a projection image (PS3.3 10.7.1.3), for the trace."""
    if kind := text(header, "PixelSpacingCalibrationType"):
        return f", calibrated ({kind})" if kind in _CALIBRATIONS else ", calibrated"
    at_detector = spacing_from_tag(header, "ImagerPixelSpacing")
    if at_detector is None:
        return ""
    return _SPACINGS["ImagerPixelSpacing"] if at_detector == found else ", calibrated"


def spacing_from_tag(header: Dataset, keyword: str) -> tuple[float, float] | None:
    """Return (row, column) spacing in millimetres from a tag; None if it is not two lengths."""
    try:
        row, column = map(float, values(header, keyword))
    except (ReadError, TypeError, ValueError):  # also if the tag is absent: it has no two values
        return None
    return (row, column) if row > 0 and column > 0 else None


def remarks(header: Dataset) -> list[str]:
    """Return trace lines on what a reader of the answer should know about the picture."""
    found = []
    if any(0x6000 <= tag.group <= 0x601E for tag in header.keys()):  # noqa: SIM118 - a Dataset
        found.append("overlays (groups 6000 to 601E) are not drawn")
    if text(header, "BurnedInAnnotation").upper() == "YES":
        found.append(f"{tag_name('BurnedInAnnotation')} is YES: text stands in the pixels")
    if (stated := _orientation(header)) not in ("", r"L\F"):
        found.append(f"{tag_name('PatientOrientation')} is {stated}: the picture stays as it lies")
    if text(header, "LossyImageCompression") == "01":
        found.append(f"{tag_name('LossyImageCompression')} is 01: it was compressed with loss")
    if contradicts_shape(header):
        decisive, other = tag_name("PhotometricInterpretation"), tag_name("PresentationLUTShape")
        found.append(f"{other} contradicts {decisive}, which decides what is black")
    if "ICCProfile" in header:
        found.append(f"{tag_name('ICCProfile')} is not applied")
    return found
