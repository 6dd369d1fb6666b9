"""The partial results of an item have no gaps."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from diascope.pipeline import Pipeline
from diascope.sample import Item
from tests.fakes import pipeline as pipeline
from tests.test_regions import finished, tiles
from tests.test_regions import tiled as tiled


def test_answers_after_a_gap_are_not_kept(
    tiled: Pipeline, make_item: Callable[..., Item], tmp_path: Path
) -> None:
    item, away = make_item(tiles(12), "whole.txt"), tmp_path / "away"
    (undisturbed,) = finished(tiled, item)
    parts = tiled.preparation.partial_results
    assert parts is not None
    every = list(parts.predictions(item, 12))
    parts.forget(item)
    parts.add(item, 0, every[:4])
    Path(item.uri).rename(away)  # its disk is away for a moment
    parts.add(item, 4, every[4:8])
    away.rename(item.uri)
    parts.add(item, 8, every[8:])
    assert parts.count(item) == 4
    (resumed,) = finished(tiled, item)
    assert (resumed.samples, resumed.scores) == (12, undisturbed.scores)


def test_answers_with_a_gap_are_not_resumed_from(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    item = make_item(tiles(12), "whole.txt")
    (undisturbed,) = finished(tiled, item)
    parts = tiled.preparation.partial_results
    assert parts is not None
    (file,) = parts.folder.iterdir()
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("delete from parts where number between 4 and 7")
    assert parts.count(item) == 0
    (resumed,) = finished(tiled, item)
    assert (resumed.samples, resumed.scores) == (12, undisturbed.scores)
