"""Annotations restrict the tiles of a slide, here of 8 x 8 tiles of 64 pixels that are tissue."""

import json
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box
from shapely.geometry import mapping

from diascope.errors import NoPictureError, ReadError
from diascope.privacy import redact_record, redact_text
from diascope.sample import Item, Prediction, Regions, Sample, Skipped
from diascope_slides.options import Annotations
from diascope_slides.reader import SlideReader
from diascope_slides.reports.geojson import GeoJsonReport
from tests.refusals import refused

Make = Callable[..., Any]
TISSUE = np.full((512, 512, 3), (210, 120, 170), np.uint8)
LEFT, RIGHT = box(0, 0, 256, 512), box(256, 0, 512, 512)
LABELS = [{"name": "tumour", "title": "Tumour", "operating_point": 0.5}]
RUN: dict[str, Any] = {"card": {"name": "tiles", "task": "multilabel", "labels": LABELS}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "annotations").mkdir()
    return tmp_path / "annotations"


@pytest.fixture
def annotate(folder: Path) -> Callable[..., None]:
    """Return a function that writes a GeoJSON file of shapes with their classes."""

    def annotate(*shapes: tuple[str, Any], name: str = "slide") -> None:
        features = [
            {
                "type": "Feature",
                "geometry": mapping(shape),
                "properties": {"objectType": "annotation", "classification": {"name": label}},
            }
            for label, shape in shapes
        ]
        document = {"type": "FeatureCollection", "features": features}
        (folder / f"{name}.geojson").write_text(json.dumps(document))

    return annotate


def reader(folder: Path, *, tissue: float = 0.25, **options: Any) -> SlideReader:
    return SlideReader(tile=64, tissue=tissue, annotations=Annotations(folder, **options))


def read(item: Item, folder: Path, **options: Any) -> list[Sample]:
    return list(reader(folder, **options).read(item))


def places(samples: list[Sample]) -> set[tuple[int, int]]:
    """Return column and row of the tiles."""
    return {(each.region.x // 64, each.region.y // 64) for each in samples if each.region}


def cells(columns: range, rows: range) -> set[tuple[int, int]]:
    return {(column, row) for column in columns for row in rows}


def test_only_tiles_in_the_included_classes_are_read(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Tumor", RIGHT), ("Stroma", box(0, 0, 128, 128)), ("Glass", LEFT))
    item = make_slide(TISSUE)

    assert places(read(item, folder, include=("Tumor",))) == cells(range(4, 8), range(8))
    both = cells(range(4, 8), range(8)) | cells(range(2), range(2))
    assert places(read(item, folder, include=("Tumor", "Stroma"))) == both
    assert len(read(item, folder)) == 64


def test_a_class_cannot_be_included_and_excluded(folder: Path) -> None:
    with pytest.raises(ValueError, match="exclude has classes of include: Tumor"):
        Annotations(folder, include=("Tumor",), exclude=("Tumor", "Glass"))


def test_holes_and_excluded_classes_are_left_out(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    holed = RIGHT.difference(box(320, 64, 448, 192))
    annotate(("Tumor", holed), ("Artefact", box(0, 448, 512, 512)), ("Artefact", box(0, 0, 9, 9)))
    found = places(read(make_slide(TISSUE), folder, include=("Tumor",), exclude=("Artefact",)))

    assert found == cells(range(4, 8), range(7)) - cells(range(5, 7), range(1, 3))
    assert found == places(read(make_slide(TISSUE), folder, exclude=("Artefact",)))


def test_an_empty_include_begins_with_the_whole_slide(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Artefact", LEFT), ("Tumor", box(0, 0, 64, 64)))
    samples = read(make_slide(TISSUE), folder, include=(), exclude=("Artefact",))

    assert places(samples) == cells(range(4, 8), range(8))


def test_without_the_excluded_class_the_slide_is_clean(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate()
    (first, *others) = read(make_slide(TISSUE), folder, include=(), exclude=("Artefact",))

    assert len(others) == 63
    assert first.trace[0].endswith("to the whole slide, without 0 areas of Artefact")


@pytest.mark.parametrize(("tissue", "used"), [(0.6, 4), (0.5, 5), (0.25, 5), (0, 6)])
def test_enough_of_a_tile_must_be_tissue_inside_the_area_or_all_it_touches_if_none_is_needed(
    make_slide: Make, annotate: Make, folder: Path, tissue: float, used: int
) -> None:
    annotate(("Tumor", box(0, 0, 4 * 64 + 32, 64)), ("Tumor", box(448, 448, 456, 456)))

    assert len(read(make_slide(TISSUE), folder, tissue=tissue)) == used


def test_glass_inside_the_area_stays_glass_unless_no_tissue_is_needed(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    pixels = TISSUE.copy()
    pixels[:256] = 243
    annotate(("Tumor", RIGHT))
    item = make_slide(pixels)

    assert places(read(item, folder)) == cells(range(4, 8), range(4, 8))
    assert places(read(item, folder, tissue=0)) == cells(range(4, 8), range(8))


def test_the_overview_shows_the_restricted_tissue_and_counts_it(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Tumor", RIGHT))
    first, *_ = read(make_slide(TISSUE), folder)

    assert first.overview is not None
    assert not first.overview.mask[:, :256].any()
    assert first.overview.mask[:, 256:].all()
    assert first.overview.counts == {"tiles": 64, "tissue": 32, "used": 32}


def test_the_trace_of_every_tile_names_the_file_and_the_classes(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Tumor", RIGHT), ("Tumor", LEFT), ("Artefact", box(0, 0, 64, 64)))
    item = make_slide(TISSUE)
    samples = read(item, folder, include=("Tumor", "Stroma"), exclude=("Artefact",))

    told = "restricted by 'slide.geojson' to 2 areas of Tumor or Stroma, without 1 area of Artefact"
    assert {sample.trace[0] for sample in samples} == {told}
    assert read(item, folder)[0].trace[0] == "restricted by 'slide.geojson' to 3 areas"


def test_reading_resumes_within_the_restricted_tiles(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Tumor", RIGHT))
    item = make_slide(TISSUE)
    tail = list(reader(folder).read_from(item, 30))

    assert [(each.frame, each.region) for each in tail] == [
        (each.frame, each.region) for each in read(item, folder)[30:]
    ]
    assert len(tail) == 2


def test_coordinates_are_pixels_of_the_full_resolution_at_any_spacing(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Tumor", RIGHT))
    coarse = replace(reader(folder), spacing_um=1.0)

    assert {each.region.x for each in coarse.read(make_slide(TISSUE)) if each.region} == {256, 384}


@pytest.mark.parametrize("name", ["slide.ome", "slide", "slide.ome.tif"])
def test_the_file_has_the_name_of_the_slide_or_of_a_report_on_it(
    make_slide: Make, annotate: Make, folder: Path, name: str
) -> None:
    annotate(("Tumor", RIGHT), name=name)

    assert len(read(make_slide(TISSUE, "slide.ome.tif", ome=True), folder)) == 32


@pytest.mark.parametrize("merge", [False, True])
def test_tiles_that_a_report_wrote_are_read_back_also_within_bounds(
    make_scn: Make, tmp_path: Path, merge: bool
) -> None:
    item = make_scn(TISSUE, canvas=(1200, 1000), place=(332, 212))
    item = Item("Cases/A b.scn", item.uri)
    samples = list(SlideReader(tile=64).read(item))[9:30]
    boxes = np.array([astuple(sample.region) for sample in samples], np.int32)
    answer = Prediction(
        item,
        {"tumour": 1.0},
        "probability",
        predicted=("tumour",),
        samples=len(boxes),
        overview=next(SlideReader(tile=64).read(item)).overview,
        regions=Regions(boxes, np.ones((len(boxes), 1), np.float32)),
    )
    (path,) = GeoJsonReport(merge).write(RUN, [answer], tmp_path)
    again = read(item, path.parent, include=("Tumour",))

    assert [each.region for each in again] == [each.region for each in samples]


def test_a_slide_without_a_file_fails_with_its_path_and_advice(
    make_slide: Make, folder: Path
) -> None:
    with pytest.raises(ReadError, match="it has no annotations") as caught:
        read(make_slide(TISSUE), folder)

    assert not isinstance(caught.value, NoPictureError)
    assert f"'{folder / 'slide.geojson'}'" in caught.value.message
    assert "leave the slide out" in caught.value.hint


def test_a_class_that_no_area_has_fails_with_the_classes_that_there_are(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("tumor", RIGHT), ("Stroma", LEFT))
    with pytest.raises(ReadError, match="has the class Tumor") as caught:
        read(make_slide(TISSUE), folder, include=("Tumor",))

    assert not isinstance(caught.value, NoPictureError)
    assert "its classes are 'Stroma', 'tumor'" in caught.value.message
    assert "Correct `include`" in caught.value.hint


def test_annotations_that_lie_beside_the_slide_fail_with_both_places(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    annotate(("Tumor", box(600, 20, 900, 300)), ("Stroma", box(600, 400, 610, 410)))
    with pytest.raises(ReadError, match="beside the slide") as caught:
        read(make_slide(TISSUE), folder, include=("Tumor",))

    assert not isinstance(caught.value, NoPictureError)
    assert "x=600 to 900 and y=20 to 410; the slide has 512x512 pixels" in caught.value.message


@pytest.mark.parametrize(
    ("exclude", "advice"), [((), ""), (("Artefact",), "include: []")], ids=["none", "artefacts"]
)
def test_a_slide_of_which_nothing_is_left_is_skipped(
    make_slide: Make, annotate: Make, folder: Path, exclude: tuple[str, ...], advice: str
) -> None:
    annotate(*((label, LEFT) for label in exclude))
    with pytest.raises(NoPictureError, match=r"to 0 areas.*: nothing .* is left") as found:
        read(make_slide(TISSUE), folder, exclude=exclude, tissue=0)

    assert advice in found.value.hint
    assert bool(advice) == bool(found.value.hint)


def test_an_area_without_tissue_is_skipped(make_slide: Make, annotate: Make, folder: Path) -> None:
    pixels = TISSUE.copy()
    pixels[:, :256] = 243
    annotate(("Tumor", LEFT))

    with pytest.raises(NoPictureError, match="no tissue was found in the annotated areas"):
        read(make_slide(pixels), folder)


def test_strict_privacy_withholds_the_names_of_files_and_classes(
    make_slide: Make, annotate: Make, folder: Path
) -> None:
    item = make_slide(TISSUE, "Jane-Doe.tif")
    annotate(("Doe's", RIGHT), name="Jane-Doe")
    (first, *_) = read(item, folder)
    with pytest.raises(ReadError) as caught:
        read(item, folder, include=("Tumor",))

    reason = redact_record(Skipped(item, str(caught.value))).reason
    for text in (redact_text(first.trace[0], item), reason):
        assert "Doe" not in text
    assert "1 area" in redact_text(first.trace[0], item)
    assert "has the class Tumor" in reason


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text("[]")
    wrong = {"annotations": {"files": str(tmp_path / "a.geojson")}}

    assert refused(SlideReader, wrong) == "annotations: files must be a folder, got a file"


def test_annotations_that_restrict_nothing_are_refused(folder: Path) -> None:
    wrong = {"annotations": {"files": str(folder), "include": []}}

    assert "exclude must name a class if include is empty" in refused(SlideReader, wrong)
