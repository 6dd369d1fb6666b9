"""What the header says of one frame: functional groups of enhanced objects, laid over the rest."""

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
    """Return the header as it holds for the frame ``index``, from 0.

    Rescale, window, spacing and anatomy that the functional groups state for all frames or for this
    one take the place of the header's own (PS3.3 C.7.6.16).
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
