"""Classifying from Python: the same answers as ``pipeline run``, in order, and nothing written."""

import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import diascope
from diascope.contracts import Work
from diascope.errors import UsageError
from diascope.sample import Item, Record
from tests.runs import Ended, rows, write_pictures, write_recipe


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six pictures; then ``03.png`` is damaged, and a text file and a hidden one are added."""
    folder = write_pictures(tmp_path / "photos", 6)
    (folder / "03.png").write_bytes((folder / "03.png").read_bytes()[:200])
    (folder / "02.txt").write_text("notes")
    (folder / ".hidden").touch()
    return folder


def test_the_records_are_those_of_a_run_in_the_order_of_the_names(
    recipe: Path, photos: Path, tmp_path: Path, command: Callable[..., Ended]
) -> None:
    pipeline = diascope.open_pipeline(recipe)
    records = list(diascope.classify(pipeline, photos))

    assert [record.item.id for record in records] == sorted(path.name for path in photos.iterdir())
    assert command("run", recipe, photos, "--output", tmp_path / "out").code == 1
    expected = {row["item"]: row for row in rows(tmp_path / "out/predictions.csv")}
    ends = {row["item"]: row["reason"] for row in rows(tmp_path / "out/failures.csv")}
    assert len(expected) == 5
    assert len(ends) == 3
    for record in records:
        if isinstance(record, diascope.Prediction):
            row = expected[record.item.id]
            assert row["predicted"] == "|".join(record.predicted)
            scores = [float(row[f"score.{label}"]) for label in record.scores]
            assert scores == pytest.approx(list(record.scores.values()), abs=1e-6)
        else:
            assert ends[record.item.id] == record.reason


def test_nothing_is_written_and_the_model_stays_loaded(
    recipe: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    pipeline = diascope.open_pipeline(recipe)
    first = next(diascope.classify(pipeline, photos / "00.png"))
    loaded = pipeline.predictor

    (again,) = diascope.classify(pipeline, photos / "00.png", str(photos / "00.png"))
    assert isinstance(first, diascope.Prediction)
    assert isinstance(again, diascope.Prediction)
    assert again.scores == first.scores
    assert pipeline.predictor is loaded is not None
    assert sorted(tmp_path.rglob("*")) == before


def test_pictures_are_read_as_records_are_taken(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, opened = write_pictures(tmp_path / "many", 60), set[str]()
    right = Item.open
    monkeypatch.setattr(Item, "open", lambda item: opened.add(item.id) or right(item))

    records = diascope.classify(diascope.open_pipeline(recipe), folder)
    next(records)
    assert len(opened) <= 4 * 4  # chunks of four: one answered, three ahead
    assert len([*records]) == 59
    assert len(opened) == 60


@pytest.mark.parametrize(("override", "workers"), [("run.batch=2", 0), ("run.workers=2", 2)])
def test_there_are_no_workers_unless_a_number_is_named(
    tmp_path: Path, tiny_weights: Path, override: str, workers: int
) -> None:
    recipe = write_recipe(tmp_path / "auto.yaml", tiny_weights, run={"device": "cpu"})

    assert diascope.open_pipeline(recipe, override).workers == workers


def test_the_warnings_of_a_recipe_are_python_warnings(tmp_path: Path, tiny_weights: Path) -> None:
    recipe = write_recipe(tmp_path / "other.yaml", tiny_weights, preprocess=[])

    with pytest.warns(UserWarning, match="resize") as caught:
        diascope.open_pipeline(recipe)
    assert caught[0].filename == __file__


def test_an_input_that_does_not_exist_is_an_error_that_names_it(recipe: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline = diascope.open_pipeline(recipe)

    with pytest.raises(diascope.DiascopeError, match=r"there is no 'gone\.png'"):
        next(diascope.classify(pipeline, "gone.png"))


def test_an_executor_that_leaves_items_undone_is_named(
    recipe: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = diascope.open_pipeline(recipe)
    right: Any = type(pipeline.executor.instance).run

    def run(
        self: Any, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        yield from (records[1:] for records in right(self, work, chunks))

    monkeypatch.setattr(type(pipeline.executor.instance), "run", run)
    with pytest.raises(diascope.PluginError, match=r"left 00\.png undone"):
        list(diascope.classify(pipeline, photos))


def test_what_is_no_text_path_or_pipeline_is_refused_with_what_to_write(recipe: Path) -> None:
    with pytest.raises(UsageError, match=r"got \['run\.batch=3'\](.|\n)*put \* before"):
        diascope.open_pipeline(recipe, ["run.batch=3"])  # type: ignore[arg-type]
    pipeline = diascope.open_pipeline(recipe)
    with pytest.raises(UsageError, match=r"got \['photos/'\](.|\n)*put \* before"):
        next(diascope.classify(pipeline, ["photos/"]))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"got 'derm\.yaml'(.|\n)*open_pipeline"):
        next(diascope.classify("derm.yaml"))  # type: ignore[arg-type]
