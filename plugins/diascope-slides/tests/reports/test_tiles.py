"""The table of tiles."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from diascope.testing import check_report
from diascope_slides.reports.heat_map import HeatMapReport
from diascope_slides.reports.tiles import TilesReport


def test_the_report_keeps_its_contract(run: Any, answer: Any) -> None:
    assert check_report(TilesReport(), run, answer()) == [Path("tiles.parquet")]


def test_a_row_has_the_position_and_the_scores_of_a_tile(
    tmp_path: Path, run: Any, answer: Any, plain: Any
) -> None:
    (path,) = TilesReport().write(run, [answer("one"), plain], tmp_path)
    table = pq.read_table(path).to_pydict()

    assert table["item"] == ["one"] * 3
    places = np.stack([table[name] for name in ("x", "y", "width", "height")], axis=1)
    np.testing.assert_array_equal(places, answer().regions.boxes)
    scores = np.array(table["score.tumour"], np.float32)
    np.testing.assert_array_equal(scores, answer().regions.scores[:, 1])


def test_a_row_has_the_weight_of_a_tile_only_if_the_model_has_attention(
    tmp_path: Path, run: Any, answer: Any
) -> None:
    weights = np.array([0.5, 0.125, 0.375], np.float32)
    weighted = answer("one", regions=replace(answer().regions, attention=weights))
    (path,) = TilesReport().write(run, [weighted, answer("two")], tmp_path)

    table = pq.read_table(path).to_pydict()
    assert table["attention"] == [*weights.tolist(), None, None, None]


def test_a_row_names_the_folder_in_which_other_reports_write_the_maps_of_its_slide(
    tmp_path: Path, run: Any, answer: Any
) -> None:
    (path,) = TilesReport().write(run, [answer("A b.svs")], tmp_path)
    maps = HeatMapReport().write(run, [answer("A b.svs")], tmp_path)
    (name,) = set(pq.read_table(path).column("name").to_pylist())

    assert {each.parent for each in maps} == {tmp_path / "slides" / name}


def test_each_slide_is_a_row_group_of_its_own(tmp_path: Path, run: Any, answer: Any) -> None:
    (path,) = TilesReport().write(run, [answer("one"), answer("two")], tmp_path)
    file = pq.ParquetFile(path)

    assert file.num_row_groups == 2
    assert set(file.read_row_group(1).column("item").to_pylist()) == {"two"}


def test_a_run_without_slides_makes_an_empty_table_with_the_same_columns(
    tmp_path: Path, run: Any, plain: Any
) -> None:
    (path,) = TilesReport().write(run, [plain], tmp_path)
    table = pq.read_table(path)

    assert table.num_rows == 0
    assert table.column_names[-2:] == ["score.benign", "score.tumour"]
