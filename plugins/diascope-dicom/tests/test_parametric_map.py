"""Parametric Maps of slides, checked by third-party tools."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom.pixels import apply_voi_window
from highdicom.pm import ParametricMap
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage

from diascope.privacy import BURNED_IN, redact_record
from diascope.sample import Overview, Regions
from diascope.testing import check_report
from diascope_dicom.reports import DicomPm
from diascope_dicom.service import create_client
from diascope_dicom.store import DicomwebStore

TILE, SPACING_MM = 234.8387, 0.00062
SIZE = (2638, 3236)
ORIENTATION = (0.0, -1.0, 0.0, -1.0, 0.0, 0.0)
ORIGIN = (20.0, 40.0)
CELLS = np.array([(0, 4), (1, 2), (1, 3), (5, 0), (5, 12), (10, 6)])
LABELS = ("pneumonia", "fluid")


@pytest.fixture
def slide(tmp_path):
    """Return a function that writes a slide's header with other values; None removes one."""

    def slide(**values):
        path = tmp_path / f"slide-{len(list(tmp_path.iterdir()))}.dcm"
        header = _header()
        for keyword, value in values.items():
            setattr(header, keyword, value)
            if value is None:
                delattr(header, keyword)
        header.save_as(path, enforce_file_format=True)
        return path

    return slide


@pytest.fixture
def tiled(answer):
    """Return a function that makes an answer for a slide and six of its tiles."""

    def tiled(path, **fields):
        ends = np.stack([CELLS[:, ::-1] * TILE, (CELLS[:, ::-1] + 1) * TILE])
        starts, beyond = np.rint(ends).astype(np.int32)
        scores = np.linspace(0.05, 0.95, len(CELLS), dtype=np.float32) ** 2
        small = np.zeros((26, 32), np.uint8)
        given = {
            "overview": Overview(
                np.repeat(small[..., None], 3, 2), small > 0, SIZE, (SPACING_MM, SPACING_MM)
            ),
            "regions": Regions(
                np.hstack([starts, beyond - starts]), np.stack([scores, 1 - scores], axis=1)
            ),
            "trace": ("spacing assumed 0.62 um from the recipe",),
        }
        return answer(path, **(given | fields))

    return tiled


def written(run, records, directory):
    return {
        label.LUTLabel: each
        for each in map(ParametricMap.from_file, DicomPm().write(run, records, directory)[1:])
        for label in each.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    }


def rows(directory):
    with (directory / "dicom-pm.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def glass(header, spacing, row, column):
    """Return the position on the glass (x, y in mm) of a pixel of a total pixel matrix."""
    (origin,) = header.TotalPixelMatrixOriginSequence
    start = (origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem)
    across, down = np.reshape(np.array(header.ImageOrientationSlide, float), (2, 3))[:, :2]
    return np.array(start, float) + across * column * spacing[1] + down * row * spacing[0]


def test_the_report_keeps_its_contract(run, slide, tiled):
    table, *files = check_report(DicomPm(), run, tiled(slide()))
    assert table == Path("dicom-pm.csv")
    assert len(files) == len(LABELS)


def test_a_pixel_of_the_map_has_the_position_of_its_tile_on_the_glass(run, slide, tiled, tmp_path):
    source = slide()
    answer = tiled(source)
    maps = written(run, [answer], tmp_path)
    header = dcmread(source)
    for number, label in enumerate(LABELS):
        values = maps[label].get_total_pixel_matrix(apply_real_world_transform=True)
        measures = maps[label].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        found = np.argwhere(np.isfinite(values))
        np.testing.assert_array_equal(found, CELLS)
        for cell, box, scores in zip(
            found, answer.regions.boxes, answer.regions.scores, strict=True
        ):
            x, y, width, height = box
            expected = glass(header, (SPACING_MM, SPACING_MM), y + height / 2, x + width / 2)
            got = glass(maps[label], measures.PixelSpacing, *(cell + 0.5))
            np.testing.assert_allclose(got, expected, atol=1.5 * SPACING_MM)
            assert values[tuple(cell)] == scores[number]


def test_a_map_names_its_slide_finding_and_kind_of_score(run, slide, tiled, tmp_path):
    source = slide()
    result = written(run, [tiled(source)], tmp_path)["pneumonia"]
    header = dcmread(source)
    assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == header.SOPInstanceUID
    assert result.ReferencedSeriesSequence[0].SeriesInstanceUID == header.SeriesInstanceUID
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "ContainerIdentifier", "PatientID"):
        assert result[keyword].value == header[keyword].value
    (meaning,) = result.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    codes = [item.ConceptCodeSequence[0].CodeValue for item in meaning.QuantityDefinitionSequence]
    assert codes == ["122157", "233604007", "probability"]
    assert "Not a medical device" in result.DerivationDescription
    assert "spacing assumed" in result.ImageComments


def test_each_label_has_a_series_of_its_own(run, slide, tiled, tmp_path):
    maps = written(run, [tiled(slide())], tmp_path)
    assert len({each.SeriesInstanceUID for each in maps.values()}) == len(LABELS)


def test_dciodvfy_finds_no_error(run, slide, tiled, tmp_path, tool):
    for path in DicomPm().write(run, [tiled(slide())], tmp_path)[1:]:
        messages = tool("dciodvfy", "-new", path).splitlines()
        assert [line for line in messages if line.startswith("Error")] == []


def test_the_same_input_and_run_give_the_same_bytes(run, slide, tiled, tmp_path):
    answer, kept = tiled(slide()), []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files = DicomPm().write(run, [answer], tmp_path / name)
        kept.append([(path.name, path.read_bytes()) for path in files])
    assert kept[0] == kept[1]


def test_a_slide_with_a_corrected_header_gives_another_instance(run, slide, tiled, tmp_path):
    slides = (slide(), slide(PatientName="Corrected^Name"))
    one, two = (written(run, [tiled(each)], tmp_path)["fluid"] for each in slides)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.SeriesInstanceUID == two.SeriesInstanceUID


def test_other_scores_get_another_uid(run, slide, tiled, tmp_path):
    answer = tiled(slide())
    other = replace(answer, regions=replace(answer.regions, scores=answer.regions.scores / 2))
    one, two = (written(run, [each], tmp_path)["fluid"] for each in (answer, other))
    assert one.SOPInstanceUID != two.SOPInstanceUID


@pytest.mark.parametrize(
    "missing", ["FrameOfReferenceUID", "SharedFunctionalGroupsSequence", "ImagedVolumeDepth"]
)
def test_attributes_that_older_converters_omit_are_completed(missing, run, slide, tiled, tmp_path):
    maps = written(run, [tiled(slide(**{missing: None}))], tmp_path)
    frames = {each.FrameOfReferenceUID for each in maps.values()}
    assert (len(maps), len(frames)) == (2, 1)


def test_items_without_a_map_are_reported_as_left_out(run, slide, tiled, tomogram, tmp_path):
    words = tmp_path / "photo.jpg"
    words.write_bytes(b"\xff\xd8\xff")
    place = tiled(slide())
    sparse = replace(place.regions, boxes=place.regions.boxes + np.arange(6)[:, None] ** 3)
    records = [
        tiled(words),
        tiled(tomogram),
        replace(place, regions=None),
        replace(place, overview=replace(place.overview, spacing_mm=None)),
        tiled(slide(ImageOrientationSlide=None)),
        replace(place, regions=sparse),
        place,
    ]
    DicomPm().write(run, records, tmp_path)
    outcomes = [(row["state"], row["reason"]) for row in rows(tmp_path)]
    assert outcomes == [
        ("left out", "the item is not a DICOM file"),
        ("left out", "the item is not a DICOM slide"),
        ("left out", "there are no answers for its tiles"),
        ("left out", "the slide does not state its spacing, and none was assumed"),
        ("left out", "its position on the glass is unknown: ImageOrientationSlide is missing"),
        ("left out", "its tiles do not lie on a regular grid"),
        ("ok", ""),
        ("ok", ""),
    ]


def test_a_slide_withheld_by_a_strict_run_is_reported(run, slide, tiled, tmp_path):
    burned = redact_record(tiled(slide(), warnings=(BURNED_IN,)))
    DicomPm().write(run | {"recipe": {"privacy": "strict"}}, [burned], tmp_path)
    assert "text is burned into its picture" in rows(tmp_path)[0]["reason"]


def test_tile_scores_behind_a_share_are_neither_shares_nor_called_calibrated(
    run, slide, tiled, tmp_path
):
    result = written(run, [tiled(slide(), score_kind="share")], tmp_path)["fluid"]
    (meaning,) = result.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert meaning.QuantityDefinitionSequence[2].ConceptCodeSequence[0].CodeValue == "sigmoid"


def test_logits_are_mapped_over_their_own_range(run, slide, tiled, tmp_path):
    answer = tiled(slide(), score_kind="logit")
    logits = replace(answer.regions, scores=answer.regions.scores * 8 - 4)
    result = written(run, [replace(answer, regions=logits)], tmp_path)["pneumonia"]
    values = result.get_total_pixel_matrix(apply_real_world_transform=True)
    assert np.nanmin(values) == logits.scores[:, 0].min()


@pytest.mark.parametrize("kind", ["probability", "logit"])
def test_a_window_shows_the_scores_in_even_steps(kind, run, slide, tiled, tmp_path):
    answer = tiled(slide(), score_kind=kind)
    result = written(run, [answer], tmp_path)["pneumonia"]
    scores = answer.regions.scores[:, 0].astype(np.float64)
    low, high = (0, 1) if kind == "probability" else (-scores.max(), scores.max())
    (window,) = result.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence
    shown = apply_voi_window(
        scores, window.WindowCenter, window.WindowWidth, window.get("VOILUTFunction", "LINEAR")
    )
    np.testing.assert_allclose(shown, (scores - low) / (high - low), atol=1e-6)


def test_maps_stored_by_stow_are_retrieved_unchanged(run, slide, tiled, open_orthanc, tmp_path):
    answer = tiled(slide())
    DicomwebStore(open_orthanc.url, send=("pm",)).write(run, [answer], tmp_path)
    client = create_client(open_orthanc.url)
    for path in DicomPm().write(run, [answer], tmp_path)[1:]:
        sent = dcmread(path)
        uids = (sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
        assert client.retrieve_instance(*uids).FloatPixelData == sent.FloatPixelData


def _header() -> Dataset:
    """Return the header of a slide with all attributes that results need."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = VLWholeSlideMicroscopyImageStorage
    header.SOPInstanceUID, header.SeriesInstanceUID = "1.2.3.4.1", "1.2.3.4"
    header.StudyInstanceUID, header.FrameOfReferenceUID = "1.2.3", "1.2.3.5"
    header.StudyDate = header.ContentDate = "20210107"
    header.StudyTime = header.ContentTime = "112000"
    header.StudyID, header.PatientID, header.PatientName = "S1", "P1", "Name^Given"
    header.Modality, header.InstanceNumber = "SM", 4
    header.Rows, header.Columns, header.NumberOfFrames = 500, 500, 42
    header.LossyImageCompression = "00"
    header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns = SIZE
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = ORIGIN
    header.TotalPixelMatrixOriginSequence = [origin]
    header.ImageOrientationSlide = list(ORIENTATION)
    header.ImagedVolumeDepth = 1.0
    measures, groups, specimen = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [SPACING_MM, SPACING_MM], 0.001
    groups.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [groups]
    header.ContainerIdentifier = specimen.SpecimenIdentifier = "C1"
    header.IssuerOfTheContainerIdentifierSequence = header.ContainerTypeCodeSequence = []
    specimen.SpecimenUID = "1.2.3.6"
    specimen.IssuerOfTheSpecimenIdentifierSequence = specimen.SpecimenPreparationSequence = []
    header.SpecimenDescriptionSequence = [specimen]
    return header
