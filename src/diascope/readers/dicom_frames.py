"""The header of one frame of an enhanced object: its functional groups override the main header."""

from pydicom.dataset import Dataset

from diascope.readers.dicom_tags import values

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_MACROS = (
    "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
    "PixelMeasuresSequence",
    "FrameAnatomySequence",
)


def frame_header(header: Dataset, index: int) -> Dataset:
    """Return the header of the frame ``index``, counted from 0.

    Rescale, window, spacing and anatomy in the functional groups, shared or per frame, replace
    those of the main header (PS3.3 C.7.6.16).
    """
    shared, each = (values(header, name) for name in _GROUPS)
    groups = [*shared[:1], *each[index : index + 1]]
    stated = [macro for group in groups for name in _MACROS for macro in values(group, name)[:1]]
    if not stated:
        return header
    merged = Dataset()  # Dataset.copy would share its elements with the header
    merged.file_meta = header.file_meta
    for macro in (header, *stated):
        merged.update(macro)
    return merged
