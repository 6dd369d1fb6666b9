"""GeoJSON as QuPath and other programs write it."""

import json
from pathlib import Path
from typing import Any

import pytest
from shapely import MultiPolygon, box
from shapely.geometry import mapping

from diascope.errors import ReadError
from diascope_slides.geojson_areas import Area, read_areas

SQUARE = mapping(box(0, 0, 10, 10))
TUMOR = {"classification": {"name": "Tumor", "color": [200, 0, 0]}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "A.geojson"


def feature(geometry: Any = SQUARE, properties: Any = TUMOR) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def areas(file: Path, document: Any) -> list[Area]:
    file.write_text(json.dumps(document), "utf-8")
    return read_areas(file)


def test_polygons_in_nested_collections_cover_an_area(file: Path) -> None:
    several = mapping(MultiPolygon([box(0, 0, 1, 1), box(2, 0, 4, 1)]))
    nested = {"type": "GeometryCollection", "geometries": [several, SQUARE]}
    deeper = {"type": "GeometryCollection", "geometries": [nested]}
    for geometry, covered in ((several, 3), (nested, 100), (deeper, 100)):
        (area,) = areas(file, feature(geometry))
        assert area.shape.area == covered


@pytest.mark.parametrize(
    "document",
    [{"type": "FeatureCollection", "features": [feature()]}, [feature()], feature()],
    ids=["collection", "list", "feature"],
)
def test_features_come_as_a_collection_as_a_list_or_alone(file: Path, document: Any) -> None:
    (area,) = areas(file, document)

    assert area.name == "Tumor"
    assert area.shape.equals(box(0, 0, 10, 10))


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        (TUMOR, "Tumor"),
        ({"classification": {"names": ["Tumor", "Positive"]}}, "Tumor: Positive"),
        ({"classification": "Tumor"}, "Tumor"),
        ({"name": "Tumor"}, "Tumor"),
        ({"classification": {"name": "Tumor"}, "name": "the left one"}, "Tumor"),
        ({"objectType": "annotation"}, ""),
        (None, ""),
    ],
    ids=str,
)
def test_the_class_is_found_wherever_programs_state_it(
    file: Path, properties: Any, name: str
) -> None:
    assert [area.name for area in areas(file, [feature(properties=properties)])] == [name]


def test_every_part_of_a_multipolygon_counts_without_its_holes(file: Path) -> None:
    shape = box(0, 0, 10, 10).difference(box(2, 2, 4, 4)).union(box(20, 0, 30, 10))
    (area,) = areas(file, feature(mapping(shape)))

    assert area.shape.area == 196


def test_an_outline_that_crosses_itself_covers_what_it_encloses(file: Path) -> None:
    bow = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]
    (area,) = areas(file, feature({"type": "Polygon", "coordinates": [bow]}))

    assert area.shape.area == 50


def test_what_covers_no_area_is_left_out(file: Path) -> None:
    point = {"type": "Point", "coordinates": [1, 1]}
    line = {"type": "LineString", "coordinates": [[0, 0], [5, 5]]}
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [5, 5], [0, 0], [0, 0]]]}

    shapes = (point, line, flat, None, SQUARE)
    assert len(areas(file, [feature(each) for each in shapes])) == 1


def test_a_byte_order_mark_and_measurements_that_are_nan_do_no_harm(file: Path) -> None:
    written = feature(properties=TUMOR | {"measurements": {"mean": float("nan")}})
    file.write_text(json.dumps([written]), "utf-8-sig")

    assert len(read_areas(file)) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON"),
        ("\xff\xfe", "it is not JSON"),
        ("{}", "it has no features"),
        ("3", "it has no features"),
        ("[3]", "object 1 is not a valid feature"),
        ('[{"type": "Feature"}]', "object 1 is not a valid feature"),
        (json.dumps([feature(), feature({"type": "Blob"})]), "object 2 is not a valid feature"),
        (json.dumps([feature(properties=[1])]), "object 1 is not a valid feature"),
        (json.dumps([feature(properties={"classification": {"names": 3}})]), "not a valid feature"),
        (json.dumps([feature()]).replace("10.0", "1e999"), "a coordinate is not a finite number"),
        (json.dumps([feature({"type": "Polygon", "coordinates": [[[0, 0]]]})]), "object 1 is not"),
    ],
)
def test_what_is_not_geojson_fails_with_the_file_the_reason_and_advice(
    file: Path, text: str, reason: str
) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ReadError, match=reason) as caught:
        read_areas(file)

    assert f"'{file}'" in caught.value.message
    assert "Export objects as GeoJSON" in caught.value.hint


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(ReadError, match=r"A\.geojson' cannot be read: No such file"):
        read_areas(file)
