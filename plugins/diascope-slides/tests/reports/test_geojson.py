"""GeoJSON of tiles for QuPath."""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from diascope.sample import Regions
from diascope.testing import check_report
from diascope_slides.reports.geojson import GeoJsonReport


@pytest.fixture
def features(run: Any, answer: Any, plain: Any, tmp_path: Path) -> Callable[..., list[Any]]:
    """Return a function that writes the file of one slide and reads its features."""

    def features(merge: bool = False, **fields: Any) -> list[Any]:
        (path,) = GeoJsonReport(merge).write(run, [plain, answer(**fields)], tmp_path)
        document = json.loads(path.read_text("utf-8"))
        assert document["type"] == "FeatureCollection"
        assert path.parent == tmp_path / "slides"
        return list(document["features"])

    return features


def boxes(answer: Any) -> np.ndarray:
    return np.asarray(answer().regions.boxes)


def test_the_report_keeps_its_contract(run: Any, answer: Any) -> None:
    (path,) = check_report(GeoJsonReport(), run, answer())

    assert path.suffix == ".geojson"


def test_every_tile_is_a_closed_polygon_at_its_position(features: Any, answer: Any) -> None:
    shapes = [shapely.from_geojson(json.dumps(one["geometry"])) for one in features()]

    assert [shape.bounds for shape in shapes] == [
        (x, y, x + w, y + h) for x, y, w, h in boxes(answer)
    ]
    assert all(shape.is_valid and shape.area == 10_000 for shape in shapes)


def test_memory_does_not_grow_with_the_number_of_tiles(
    run: Any, answer: Any, tmp_path: Path
) -> None:
    count = 4000
    regions = Regions(np.ones((count, 4), np.int32), np.full((count, 2), 0.5, np.float32))
    told = answer(regions=regions)
    tracemalloc.start()
    GeoJsonReport().write(run, [told], tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 200 * count  # bytes; an outline takes 800


def test_a_tile_has_the_class_decided_by_the_operating_point(features: Any, answer: Any) -> None:
    tiles = [one["properties"] for one in features()]
    tumour = answer().regions.scores[:, 1].tolist()

    assert [tile["objectType"] for tile in tiles] == ["tile"] * 3
    assert [tile["classification"]["name"] for tile in tiles] == ["Tumour", "Tumour", "Benign"]
    assert tiles[0]["classification"]["color"] != tiles[2]["classification"]["color"]
    assert [tile["measurements"]["tumour"] for tile in tiles] == pytest.approx(tumour)


def test_no_two_of_many_classes_share_a_colour(tmp_path: Path, run: Any, answer: Any) -> None:
    names = [f"kind {number}" for number in range(20)]
    labels = [{"name": name, "title": "", "operating_point": None} for name in names]
    many = {"card": run["card"] | {"task": "multiclass", "labels": labels}}
    regions = Regions(np.ones((20, 4), np.int32), np.eye(20, dtype=np.float32))
    shown = replace(answer(), scores=dict.fromkeys(names, 0.05), regions=regions)
    (path,) = GeoJsonReport().write(many, [shown], tmp_path)
    tiles = [one["properties"] for one in json.loads(path.read_text("utf-8"))["features"]]

    assert len({tuple(tile["classification"]["color"]) for tile in tiles}) == 20


def test_merged_tiles_of_a_class_are_one_annotation_with_their_mean(features: Any) -> None:
    benign, tumour = features(merge=True)

    assert benign["properties"]["classification"]["name"] == "Benign"
    assert tumour["properties"]["objectType"] == "annotation"
    assert shapely.from_geojson(json.dumps(tumour["geometry"])).bounds == (0, 0, 200, 100)
    assert tumour["properties"]["measurements"]["tumour"] == pytest.approx(0.675)


def test_patches_that_share_no_edge_stay_apart(features: Any, answer: Any) -> None:
    scores = np.tile(np.array([0.1, 0.9], np.float32), (3, 1))
    found = features(merge=True, regions=Regions(boxes(answer), scores))

    assert len(found) == 2


def test_a_tile_without_any_label_has_no_class(tmp_path: Path, run: Any, answer: Any) -> None:
    multilabel = {"card": run["card"] | {"task": "multilabel"}}
    low = replace(answer(), regions=Regions(boxes(answer)[:1], np.array([[0.1, 0.1]], np.float32)))
    (path,) = GeoJsonReport().write(multilabel, [low], tmp_path)
    (tile,) = json.loads(path.read_text("utf-8"))["features"]

    assert "classification" not in tile["properties"]


def test_ids_of_tiles_are_unique_and_stable(features: Any) -> None:
    first, again = features(), features()

    assert [one["id"] for one in first] == [one["id"] for one in again]
    assert len({one["id"] for one in first}) == 3


def test_a_run_without_slides_writes_nothing(tmp_path: Path, run: Any, plain: Any) -> None:
    assert GeoJsonReport().write(run, [plain], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
