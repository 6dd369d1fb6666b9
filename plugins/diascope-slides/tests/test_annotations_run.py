"""Whole runs with annotations: these are files that the answers depend on."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box
from shapely.geometry import mapping

from tests.runs import REFERENCE, Ended, states, write_recipe, write_weights
from tests.runs import command as command

Command = Callable[..., Ended]
Make = Callable[..., Any]
LEFT, RIGHT = box(0, 0, 128, 128), box(128, 0, 256, 128)


@pytest.fixture
def recipe(tmp_path: Path, make_slide: Make) -> Path:
    """A recipe with two slides and a folder of annotations beside it, of which it has one."""
    (tmp_path / "slides").mkdir()
    (tmp_path / "annotations").mkdir()
    for name in "AB":
        make_slide(np.full((128, 256, 3), (210, 120, 170), np.uint8), f"slides/{name}.tif")
    annotate(tmp_path / "annotations/A.geojson", RIGHT)
    annotations = {"files": "annotations", "include": ["Tumor"]}
    return write_recipe(
        tmp_path / "slides.yaml",
        write_weights(tmp_path / "weights"),
        read={"slide": {"tile": 32, "annotations": annotations}},
        preprocess=[],
        report=["csv", "slide-geojson"],
        run={"workers": 0, "batch": 4, "device": "cpu"} | REFERENCE,
    )


def annotate(path: Path, shape: Any) -> None:
    properties = {"classification": {"name": "Tumor"}}
    path.write_text(
        json.dumps({"type": "Feature", "geometry": mapping(shape), "properties": properties})
    )


def tiles(output: Path) -> dict[str, int]:
    """Return the numbers of tiles that the trace states, by item."""
    with (output / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        row["item"]: int(row["trace"].partition(" regions aggregated")[0].rpartition(" ")[2])
        for row in rows
    }


@pytest.mark.filterwarnings("ignore:.* answered by an earlier run")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_slide_without_annotations_fails_alone_and_is_done_once_it_has_them(
    command: Command, recipe: Path, tmp_path: Path, workers: int
) -> None:
    output, folder = tmp_path / "out", tmp_path / "annotations"
    arguments = "run", recipe, tmp_path / "slides", "-o", output, "--workers", workers
    assert command(*arguments).code == 1
    assert tiles(output) == {"A.tif": 16}
    assert "there is no file" in states(output)["B.tif"][1]
    assert "nothing was left to classify" in command(*arguments).out

    annotate(folder / "B.geojson", box(0, 0, 64, 64))
    assert command(*arguments).code == 0
    assert tiles(output) == {"A.tif": 16, "B.tif": 4}


@pytest.mark.filterwarnings("ignore:.* answered by an earlier run")
def test_changed_and_renamed_annotations_are_applied_in_the_next_run(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    output, folder = tmp_path / "out", tmp_path / "annotations"
    arguments = "run", recipe, tmp_path / "slides", "-o", output
    command(*arguments)

    annotate(folder / "A.geojson", RIGHT.union(LEFT))
    command(*arguments)
    assert tiles(output) == {"A.tif": 32}
    (folder / "A.geojson").rename(folder / "B.geojson")
    command(*arguments)
    assert tiles(output) == {"B.tif": 32}


def test_a_run_over_what_a_report_wrote_is_the_run_that_wrote_it(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    slide, first, second = tmp_path / "slides/A.tif", tmp_path / "out", tmp_path / "again"
    assert command("run", recipe, slide, "-o", first).code == 0
    read = f"read={{slide: {{tile: 32, annotations: {{files: '{first / 'slides'}'}}}}}}"
    assert command("run", recipe, slide, "-o", second, "--set", read).code == 0

    (one,), (other,) = ((each / "slides").glob("*.geojson") for each in (first, second))
    assert one.read_bytes() == other.read_bytes()


def test_a_run_without_the_folder_of_annotations_is_refused(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "annotations").rename(tmp_path / "moved")
    ended = command("run", recipe, tmp_path / "slides", "-o", tmp_path / "out")

    assert ended.code == 2
    assert "annotations: there is no file or folder" in ended.err
