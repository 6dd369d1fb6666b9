"""Evaluating from Python: the metrics of ``pipeline evaluate``, and nothing written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import diascope
from diascope.errors import UsageError
from tests.cli.tables import measured, write_labelled
from tests.runs import Ended


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of twelve pictures, the last of which is damaged."""
    path = write_labelled(tmp_path)
    (tmp_path / "photos/11.png").write_bytes(b"no picture")
    return path


def test_the_results_are_those_of_the_command(
    recipe: Path, table: Path, tmp_path: Path, command: Callable[..., Ended]
) -> None:
    options = ["--by", "sex", "--compare", recipe, "--seed", 3]
    assert (
        command("evaluate", recipe, "--labels", table, *options, "-o", tmp_path / "out").code == 1
    )
    pipeline = diascope.open_pipeline(recipe)
    found = diascope.evaluate(pipeline, table, by=["sex"], compare=pipeline, seed=3)

    assert found.metrics["auc_macro"]["low"] <= found.metrics["auc_macro"]["value"]
    assert [len(each) for each in (found.failed, found.subgroups)] == [1, 2]
    written = measured(tmp_path / "out")
    assert json.loads(json.dumps(found.plain())) == {key: written[key] for key in found.plain()}


def test_only_the_rows_of_a_split_are_measured_and_nothing_is_written(
    recipe: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = diascope.evaluate(diascope.open_pipeline(recipe), table.name, split="test")

    assert [Path(name).name for name in found.scored.items] == ["08.png", "09.png", "10.png"]
    assert sorted(tmp_path.rglob("*")) == before


def test_strict_privacy_and_a_label_that_the_model_does_not_know_are_refused(
    recipe: Path, table: Path
) -> None:
    pipeline, strict = (diascope.open_pipeline(recipe, f"privacy={p}") for p in ("none", "strict"))
    for pair in ((strict, pipeline), (pipeline, strict)):
        with pytest.raises(diascope.RecipeError, match="privacy: strict forbids"):
            diascope.evaluate(pair[0], table, compare=pair[1])
    table.write_text(table.read_text().replace(",red,", ",purple,"))
    with pytest.raises(diascope.TableError, match="the model does not know: purple"):
        diascope.evaluate(pipeline, table)


def test_columns_may_be_one_text_as_on_the_command_line(recipe: Path, table: Path) -> None:
    pipeline = diascope.open_pipeline(recipe)
    listed, text = (
        diascope.evaluate(pipeline, table, by=by).subgroups
        for by in (["sex", "age:20"], "sex, age:20")
    )
    assert [(part.column, part.value) for part in text] == [
        (part.column, part.value) for part in listed
    ]


def test_a_recipe_for_a_pipeline_and_an_unknown_split_are_refused_with_what_to_write(
    recipe: Path, table: Path
) -> None:
    pipeline = diascope.open_pipeline(recipe)
    with pytest.raises(UsageError, match=r"got 'derm\.yaml'(.|\n)*open_pipeline"):
        diascope.evaluate(pipeline, table, compare="derm.yaml")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"train, validation, test or None, got 'tset'"):
        diascope.evaluate(pipeline, table, split="tset")
