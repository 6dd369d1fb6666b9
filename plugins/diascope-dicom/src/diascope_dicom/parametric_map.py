"""Write scores of a slide's tiles as Parametric Maps (PS3.3 section A.75), one for each label.

Each pixel of a map is a tile. As with the levels of a slide, the upper left corners of the map and
of the slide coincide: origin and orientation are the slide's, the spacing is that of the tiles.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import Label
from diascope.pages.heat import heat_limits
from diascope.sample import Prediction, ScoreKind
from diascope_dicom.algorithm import NOT_A_DEVICE, Algorithm
from diascope_dicom.coding import dicom_text, finding_code, method_code, own_scheme, score_code
from diascope_dicom.identifiers import finish, result_identifiers
from diascope_dicom.source import NoResultError, check_picture_allowed
from diascope_dicom.tile_grid import TileGrid
from diascope_dicom.uid import derive_uid

if TYPE_CHECKING:
    from highdicom import PixelMeasuresSequence, PlanePositionSequence
    from highdicom.pm import RealWorldValueMapping
    from pydicom import Dataset

_SERIES_NUMBER = 9103
_SHORT_STRING, _LONG_STRING, _LONG_TEXT = 16, 64, 10240
_THICKNESS_MM = 0.001  # for slides that state none; the attribute is mandatory


def parametric_maps(
    source: "Dataset", prediction: Prediction, run: Mapping[str, Any]
) -> Iterator["Dataset"]:
    """Yield a map for each label with the score of each tile, and NaN where there is no tile.

    Each map is a series of its own: viewers treat the images of one series as one pyramid.

    Raises:
        NoResultError: if the item is not a slide, was not read in tiles, does not state where on
            the glass they are, or is withheld by a strict run.
    """
    from pydicom.uid import VLWholeSlideMicroscopyImageStorage

    overview, regions = prediction.overview, prediction.regions
    if source.SOPClassUID != VLWholeSlideMicroscopyImageStorage:
        raise NoResultError("the item is not a DICOM slide")
    check_picture_allowed(prediction, run)
    if overview is None or regions is None:
        raise NoResultError("there are no answers for its tiles")
    if overview.spacing_mm is None:
        raise NoResultError("the slide does not state its spacing, and none was assumed")
    grid = TileGrid.from_boxes(regions.boxes, overview.size)
    if grid is None:
        raise NoResultError("its tiles do not lie on a regular grid")
    pixel_mm = overview.spacing_mm
    _complete(source, pixel_mm)
    algorithm = Algorithm.from_run(run)
    labels = {label.name: label for label in algorithm.labels}
    kind = _tile_score_kind(prediction, run["card"]["score_kind"], algorithm)
    tile_mm = (grid.pitch[0] * pixel_mm[0], grid.pitch[1] * pixel_mm[1])
    for name, scores in zip(prediction.scores, regions.scores.T, strict=True):
        values = grid.score_map(regions.boxes, scores)
        meaning = _meaning(labels[name], kind, heat_limits(scores, kind))
        yield _parametric_map(source, prediction, algorithm, labels[name], values, meaning, tile_mm)


def _tile_score_kind(
    prediction: Prediction, card_kind: ScoreKind, algorithm: Algorithm
) -> ScoreKind:
    """Return the kind of the tiles' scores: that of the slide, unless the slide's is a share.

    In that case it is unknown whether the tiles' scores are calibrated, so they are not called
    probabilities.
    """
    if prediction.score_kind != "share":
        return prediction.score_kind
    if card_kind != "probability":
        return card_kind
    return "softmax" if algorithm.task == "multiclass" else "sigmoid"


def _complete(source: "Dataset", pixel_mm: tuple[float, float]) -> None:
    """Add attributes to a slide's header that a map requires and older converters omit.

    Raises:
        NoResultError: if the header does not state where on the glass the slide's pixels are.
    """
    from pydicom import Dataset

    for keyword in ("TotalPixelMatrixOriginSequence", "ImageOrientationSlide"):
        if not source.get(keyword):
            raise NoResultError(f"its position on the glass is unknown: {keyword} is missing")
    if not source.get("FrameOfReferenceUID"):
        source.FrameOfReferenceUID = derive_uid("frame of reference", source.SeriesInstanceUID)
    if not source.get("SharedFunctionalGroupsSequence"):
        source.SharedFunctionalGroupsSequence = [Dataset()]
    shared = source.SharedFunctionalGroupsSequence[0]
    if not shared.get("PixelMeasuresSequence"):
        shared.PixelMeasuresSequence = _measures(pixel_mm, source)


def _measures(spacing_mm: tuple[float, float], source: "Dataset") -> "PixelMeasuresSequence":
    from highdicom import PixelMeasuresSequence

    depth_um = source.get("ImagedVolumeDepth")
    return PixelMeasuresSequence(spacing_mm, depth_um / 1000 if depth_um else _THICKNESS_MM)


def _meaning(label: Label, kind: ScoreKind, limits: tuple[float, float]) -> "RealWorldValueMapping":
    """Return the meaning of pixel values: the score itself, with its finding and its kind."""
    from highdicom.pm import RealWorldValueMapping
    from highdicom.sr import CodeContentItem
    from pydicom.sr.codedict import codes

    title = dicom_text(label.title or label.name)
    meaning = RealWorldValueMapping(
        lut_label=dicom_text(label.name)[:_SHORT_STRING],
        lut_explanation=f"Score of each tile for {title}"[:_LONG_STRING],
        unit=codes.UCUM.NoUnits,
        value_range=limits,
        quantity_definition=score_code(kind),
    )
    meaning.QuantityDefinitionSequence.extend(
        [
            CodeContentItem(codes.DCM.Finding, finding_code(label)),
            CodeContentItem(codes.SCT.MeasurementMethod, method_code(kind)),
        ]
    )
    return meaning


def _parametric_map(
    source: "Dataset",
    prediction: Prediction,
    algorithm: Algorithm,
    label: Label,
    values: NDArray[np.float32],
    meaning: "RealWorldValueMapping",
    tile_mm: tuple[float, float],
) -> "Dataset":
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap

    low, high = meaning.value_range
    comments = "\n".join((*prediction.trace, *prediction.warnings))[:_LONG_TEXT]
    identifiers = result_identifiers(f"pm {label.name}", source, prediction, algorithm)
    description = f"{dicom_text(label.title or label.name)} by {algorithm.name}"
    result = ParametricMap(
        [source],
        values,
        series_number=_SERIES_NUMBER,
        series_description=description[:_LONG_STRING],
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[meaning],
        voi_lut_transformations=[  # the default LINEAR shows a width of 1 as pure black and white
            VOILUTTransformation((low + high) / 2, high - low, voi_lut_function="LINEAR_EXACT")
        ],
        content_description=meaning.LUTExplanation,
        pixel_measures=_measures(tile_mm, source),
        plane_positions=[_position(source)],
        dimension_organization_type="TILED_SPARSE",  # radiology software supports it too
        tile_pixel_array=True,
        tile_size=values.shape,
        coding_schemes=[own_scheme()],
        **identifiers,
    )
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = derive_uid("dimensions", identifiers["sop_instance_uid"])
    result.DerivationDescription = f"A pixel is a tile, its value the tile's score. {NOT_A_DEVICE}"
    result.ImageComments = comments
    return finish(result)


def _position(source: "Dataset") -> "PlanePositionSequence":
    """Return the position of the map: the upper left corner of the slide."""
    from highdicom import PlanePositionSequence

    (origin,) = source.TotalPixelMatrixOriginSequence
    keywords = [f"{axis}OffsetInSlideCoordinateSystem" for axis in "XYZ"]
    offsets = [float(origin.get(keyword) or 0) for keyword in keywords]
    return PlanePositionSequence("SLIDE", offsets, pixel_matrix_position=(1, 1))
