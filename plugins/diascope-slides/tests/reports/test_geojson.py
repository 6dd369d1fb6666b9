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


def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Return three tiles of 100 pixels, 75 apart, and their scores: the last two differ."""
    places = np.array([(0, 0), (75, 0), (150, 0)])
    tumour = np.array([0.9, 0.7, 0.0], np.float32)
    tiles = np.concatenate((places, np.full((3, 2), 100)), axis=1).astype(np.int32)
    return tiles, np.stack((1 - tumour, tumour), axis=1)


def test_patches_share_no_area_and_cover_that_of_their_overlapping_tiles(features: Any) -> None:
    benign, tumour = features(merge=True, regions=Regions(*overlapping()))
    names = [one["properties"]["classification"]["name"] for one in (benign, tumour)]
    shapes = [shapely.from_geojson(json.dumps(one["geometry"])) for one in (benign, tumour)]

    assert names == ["Benign", "Tumour"]
    assert shapes[0].equals(shapely.box(150, 0, 250, 100))
    assert shapes[1].equals(shapely.box(0, 0, 150, 100))


def test_where_tiles_overlap_the_mean_of_their_scores_counts(features: Any) -> None:
    """75 columns of 0.9, 25 of (0.9 + 0.7) / 2, 50 of 0.7; 25 of 0.7 / 2, below 0.4, 75 of 0."""
    benign, tumour = features(merge=True, regions=Regions(*overlapping()))

    assert benign["properties"]["measurements"]["tumour"] == pytest.approx(25 * 0.35 / 100)
    mean = (75 * 0.9 + 25 * 0.8 + 50 * 0.7) / 150
    assert tumour["properties"]["measurements"]["tumour"] == pytest.approx(mean)


def test_many_patches_of_a_grid_with_overlap_partition_its_area(features: Any) -> None:
    steps = np.rint(np.arange(12) * 168 * 1.3).astype(np.int32)
    chance = np.random.default_rng(5)
    tiles = [(x, y, 291, 291) for y in steps for x in steps if chance.random() < 0.7]
    tumour = chance.random(len(tiles), np.float32)
    regions = Regions(np.array(tiles, np.int32), np.stack((1 - tumour, tumour), axis=1))
    found = features(merge=True, regions=regions)
    shapes = [shapely.from_geojson(json.dumps(one["geometry"])) for one in found]
    tile_shapes = [shapely.box(x, y, x + w, y + h) for x, y, w, h in tiles]

    assert len({one["properties"]["classification"]["name"] for one in found}) == 2
    assert all(shape.is_valid for shape in shapes)
    assert shapely.unary_union(shapes).equals(shapely.unary_union(tile_shapes))
    assert sum(shape.area for shape in shapes) == shapely.unary_union(shapes).area


def test_a_tile_of_a_model_with_attention_has_its_weight(features: Any, answer: Any) -> None:
    weights = np.array([0.5, 0.125, 0.375], np.float32)
    plain, weighted = features(), features(regions=replace(answer().regions, attention=weights))
    told = [one["properties"]["measurements"] for one in weighted]

    assert [each.pop("attention") for each in told] == weights.tolist()
    assert told == [one["properties"]["measurements"] for one in plain]


def test_the_weights_of_patches_sum_to_1_even_if_tiles_overlap(features: Any) -> None:
    """Of the middle tile's 0.5, a quarter lies in the benign patch; of the last tile's 0.4, all."""
    weights = np.array([0.1, 0.5, 0.4], np.float32)
    found = features(merge=True, regions=Regions(*overlapping(), weights))
    benign, tumour = (one["properties"]["measurements"]["attention"] for one in found)

    assert benign == pytest.approx(0.4 + 0.5 / 4)
    assert benign + tumour == pytest.approx(1)


def test_an_item_of_no_regions_has_no_patches(features: Any, answer: Any) -> None:
    empty = Regions(boxes(answer)[:0], answer().regions.scores[:0])

    assert features(merge=True, regions=empty) == []


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
