"""Write an answer as a Secondary Capture (PS3.3 section A.8.1): evidence map and caption."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from diascope.pages.formatting import format_score
from diascope.sample import Prediction
from diascope_dicom.algorithm import NOT_A_DEVICE, Algorithm
from diascope_dicom.identifiers import finish, result_identifiers
from diascope_dicom.picture import draw_explanation, strongest_evidence
from diascope_dicom.source import NoResultError, check_picture_allowed

if TYPE_CHECKING:
    from pydicom import Dataset

_SERIES_NUMBER = 9102
_JPEG, _RATIO = "ISO_10918_1", "10"  # compression of a run's previews, and its approximate ratio


def secondary_capture(
    source: "Dataset", prediction: Prediction, run: Mapping[str, Any]
) -> Iterator["Dataset"]:
    """Yield a colour picture in the source's study, with an evidence map blended in.

    Raises:
        NoResultError: if the prediction has no picture or no evidence map, or if a strict run
            withholds them.
    """
    from highdicom.sc import SCImage
    from pydicom.uid import ExplicitVRLittleEndian

    check_picture_allowed(prediction, run)
    evidence = strongest_evidence(prediction)
    if prediction.preview is None or evidence is None:
        raise NoResultError("there is no evidence map; the recipe's run.evidence asks for them")
    algorithm = Algorithm.from_run(run)
    caption = _caption_lines(prediction, evidence.label, algorithm)
    pixels = draw_explanation(prediction.preview, evidence, caption)
    image = SCImage.from_ref_dataset(
        source,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        series_number=_SERIES_NUMBER,
        series_description=f"Evidence by {algorithm.name}"[:64],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **result_identifiers("sc", source, prediction, algorithm),
    )
    image.PatientOrientation = []  # highdicom requires one, but a step may have turned the picture
    image.Laterality = source.get("Laterality")
    image.copy_patient_and_study_information(source)
    image.ConversionType = "WSD"
    image.DerivationDescription = "Evidence map of a neural network over its input, with text"
    _add_source(image, source)
    yield finish(image)


def _caption_lines(prediction: Prediction, name: str, algorithm: Algorithm) -> tuple[str, ...]:
    label = next(label for label in algorithm.labels if label.name == name)
    title = label.title if label.title and label.title.isascii() else name  # the font is ASCII only
    decision = "present" if name in prediction.predicted else "absent"
    number = format_score(prediction.scores[name], prediction.score_kind)
    score = f"{prediction.score_kind} {number}".replace("\N{MINUS SIGN}", "-")  # not in the font
    return (
        NOT_A_DEVICE,
        f"{title}: {decision} ({score}). Orange: for it, blue: against.",
        f"{algorithm.name}, weights {algorithm.weights[:12]}",
        *prediction.warnings,
    )


def _add_source(image: "Dataset", source: "Dataset") -> None:
    """Add a reference to the source, and its attributes that still apply to the picture."""
    from pydicom import Dataset, Sequence

    from diascope.readers.dicom_tags import values

    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    image.SourceImageSequence = Sequence([reference])
    image.LossyImageCompression = "01"
    image.LossyImageCompressionMethod = [*values(source, "LossyImageCompressionMethod"), _JPEG]
    image.LossyImageCompressionRatio = [*values(source, "LossyImageCompressionRatio"), _RATIO]
    if source.get("BurnedInAnnotation"):
        image.BurnedInAnnotation = source.BurnedInAnnotation
