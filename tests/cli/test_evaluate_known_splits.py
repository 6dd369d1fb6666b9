"""Rows that the model was trained on are known by the files beside its weights."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.card import read_card
from tests.cli.tables import LABELS, measured, write_labelled
from tests.runs import Ended, write_pictures, write_recipe, write_weights

Command = Callable[..., Ended]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_labelled(tmp_path)


def test_splits_are_read_from_beside_the_weights(
    command: Command, recipe: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "photos", 12)
    lines = [f"photos/{n:02}.png,{LABELS[n % 3]},group {n // 2}" for n in range(12)]
    table = tmp_path / "plain.csv"
    table.write_text("\n".join(["path,label,group", *lines]) + "\n")
    parts = ["train"] * 4 + ["validation", "test"]
    split = [f"elsewhere/{n:02}.png,red,group {n // 2},{parts[n // 2]}" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "10 of 12 rows are in train or validation" in ended.err
    held = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "test")
    assert "2 items measured" in held.out
    assert "\nall rows of the table have their split from split.csv beside" in f"\n{held.err}"
    assert "train or validation" not in held.err
    found = measured(tmp_path / "2")
    assert found["splits from"] == "split.csv beside the weights"
    assert not any("split.csv" in warning for warning in found["warnings"])
    table.write_text("\n".join(["path,label,group", lines[-1]]) + "\n")  # of the test's
    alone = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "3")
    assert "1 item measured, 0 without an answer" in alone.out
    assert "all rows of the table have their split from" in alone.err
    assert "train or validation" not in alone.err


def test_rows_that_earlier_weights_were_trained_on_are_counted_as_such(
    command: Command, recipe: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "photos", 12)
    table = tmp_path / "plain.csv"
    lines = [f"photos/{n:02}.png,{LABELS[n % 3]},{n}" for n in range(12)]
    table.write_text("\n".join(["path,label,group", *lines]) + "\n")
    split = [f"photos/{n:02}.png,red,{n},test" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    learned = [f"photos/{n:02}.png,{n},train,abc" for n in range(5)]
    (tiny_weights / "learned-from.csv").write_text(
        "\n".join(["path,group,split,weights", *learned])
    )
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "5 of 12 rows are in train or validation" in ended.err
    held = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "test")
    assert "7 items measured" in held.out
    assert "from split.csv and learned-from.csv beside the weights" in held.err


def test_a_split_without_rows_is_refused_with_the_splits_that_there_are(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    asked = "evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--split", "validation"
    assert "No cell of its column `split` says so. Leave out --split" in command(*asked).err
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]}" for n in range(12)]
    table.write_text("\n".join(["path,label", *rows]))
    split = [f"photos/{n:02}.png,red,,train" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    told = f"By split.csv beside the weights ({tiny_weights}), 12 of 12 rows are in other splits"
    assert told in command(*asked).err


def test_rows_that_the_compared_model_was_trained_on_are_a_warning(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    older = write_weights(tmp_path / "older")
    split = [f"photos/{n:02}.png,red,,{'test' if n % 2 else 'train'}" for n in range(12)]
    (older / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    other = write_recipe(tmp_path / "older.yaml", older)
    asked = "evaluate", recipe, "--labels", table, "--split", "test", "--compare"
    told = "warning: older: 2 of 4 rows are in train or validation in split.csv beside"
    assert told in command(*asked, other, "-o", tmp_path / "out").err
    (older / "split.csv").unlink()
    assert "older" not in command(*asked, other, "-o", tmp_path / "2").err


def test_unknown_training_rows_of_the_compared_model_are_a_warning(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]}" for n in range(12)]
    table.write_text("\n".join(["path,label", *rows]))
    split = [f"photos/{n:02}.png,red,,{'test' if n % 2 else 'train'}" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    older = write_weights(tmp_path / "older")
    other = write_recipe(tmp_path / "older.yaml", older)
    asked = "evaluate", recipe, "--labels", table, "--split", "test", "--compare", other, "-o"
    told = "neither a column `split` nor a split.csv beside the weights says which rows the model"
    ended = command(*asked, tmp_path / "out")
    assert f"warning: older: {told}" in ended.err
    assert f"warning: {told}" not in ended.err
    (older / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    assert told not in command(*asked, tmp_path / "2").err


def test_test_rows_that_the_weights_were_trained_on_are_a_warning(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    split = [f"photos/{n:02}.png,red,,{'train' if n > 9 else 'test'}" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    asked = "evaluate", recipe, "--labels", table, "--split"
    told = "2 of 4 rows are in train or validation in split.csv beside the weights"
    assert f"warning: {told}" in command(*asked, "test", "-o", tmp_path / "out").err
    assert any(told in warning for warning in measured(tmp_path / "out")["warnings"])
    assert f"warning: {told}" in command(*asked[:-1], "-o", tmp_path / "all").err
    assert "split.csv" not in command(*asked, "train", "-o", tmp_path / "2").err


def test_groups_with_equal_names_but_other_pictures_are_not_taken_for_the_trainings(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]},{n}" for n in range(12)]
    table.write_text("\n".join(["path,label,group", *rows]))
    split = [f"photos/other-{n:02}.png,red,{n},{'train' if n else 'test'}" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "12 items measured" in ended.out
    assert "named as in split.csv beside the weights (12), but none has a picture" in ended.err
    assert "train or validation" not in ended.err
    held = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "test")
    assert held.code == 2
    assert "no row has the split 'test'" in held.err
    assert "(12), but none has a picture" in held.err


@pytest.mark.parametrize("groups", ["", ",group"])
def test_pictures_trained_on_are_recognised_by_their_paths_whatever_their_groups(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path, groups: str
) -> None:
    photos = tmp_path / "photos"
    rows = [f"{photos}/{n:02}.png,{LABELS[n % 3]}{f',P{n}' if groups else ''}" for n in range(12)]
    table.write_text("\n".join([f"path,label{groups}", *rows]))
    split = [f"{photos}/{n:02}.png,red,{n},{'train' if n < 8 else 'test'}" for n in range(11)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "8 of 12 rows are in train or validation" in ended.err
    told = (
        "warning: rows that the model was trained on are found by their groups and paths in split"
    )
    assert told in ended.err
    assert "split.csv beside the weights: 11 of 12 rows; if it was trained on the" in ended.err
    held = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "test")
    assert "3 items measured" in held.out


def test_rows_without_a_group_are_recognised_by_their_paths_as_written(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]}" for n in range(12)]
    table.write_text("\n".join(["path,label", *rows]))
    split = [f"photos/{n:02}.png,red,P{n},{'train' if n < 8 else 'test'}" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "all rows of the table have their split from split.csv beside the weights" in ended.err
    assert "8 of 12 rows are in train or validation: the metrics are optimistic" in ended.err
    assert "recognised" not in ended.err
    assert "with the name of one" not in ended.err


@pytest.mark.parametrize(
    ("split", "why"),
    [
        ("train", "since the model learned from these; --split test leaves them out"),
        (
            "validation",
            "since these chose epoch, calibration and decisions; --split test",
        ),
    ],
)
@pytest.mark.parametrize("stated", [True, False])
def test_metrics_of_a_split_that_was_learned_from_are_optimistic_wherever_they_stand(
    command: Command,
    recipe: Path,
    table: Path,
    tiny_weights: Path,
    tmp_path: Path,
    split: str,
    why: str,
    stated: bool,
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]},{split}" for n in range(12)]
    if stated:
        table.write_text("\n".join(["path,label,split", *rows]))
    else:
        (tiny_weights / "split.csv").write_text("\n".join(["path,label,split", *rows]))
        table.write_text("\n".join(["path,label", *(row.rpartition(",")[0] for row in rows)]))
    asked = "evaluate", recipe, "--labels", table, "--split", split, "--update-card", "-o"
    ended = command(*asked, tmp_path / "out")
    if split == "train" and not stated:
        told = "the model learned from 12 of 12 rows, by split.csv beside the weights: their"
        assert (ended.code, told in ended.err) == (2, True)
        assert "If these are other pictures, give the table a column `group`" in ended.err
        assert not (tmp_path / "out").exists()
        asked = "evaluate", recipe, "--labels", table, "--split", split, "-o"
        ended = command(*asked, tmp_path / "out")
    else:
        assert why in read_card(tiny_weights).metrics["measured_on"]
    certain = "if the model was trained on this table, " if stated else ""
    told = f"12 of 12 rows are in {split}: {certain}the metrics are optimistic, {why}"
    assert f"warning: {told}" in ended.err
    assert any(told in warning for warning in measured(tmp_path / "out")["warnings"])
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert page.index(told) < page.index("<h2>Overall</h2>")
    assert f"12 items of 12 groups · split {split} of table.csv</p>" in page


def test_pictures_with_only_the_name_of_one_trained_on_are_a_warning(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]},P{n}" for n in range(12)]
    table.write_text("\n".join(["path,label,group", *rows]))
    split = [f"photos/{n:02}.png,red,{n},{'train' if n < 8 else 'test'}" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "no row is recognised in split.csv beside the weights by its group" in ended.err
    assert "8 pictures with the name of one that the model was trained on" in ended.err
    assert "found by" not in ended.err
    held = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "test")
    assert (held.code, "these are not the weights" in held.err) == (2, False)
    assert "lists 8 pictures of the table by name, but in other groups or folders" in held.err
    table.write_text("\n".join(["path,label,group,split", *(f"{row},test" for row in rows)]))
    stated = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "3")
    assert "8 pictures with the name of one that the model was trained on" in stated.err


def test_groups_that_one_training_explains_give_no_doubt_about_an_earlier_one(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]},{n}" for n in range(12)]
    table.write_text("\n".join(["path,label,group", *rows]))
    split = [f"photos/{n:02}.png,{n},test" for n in range(12)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,group,split", *split, "a,a,train"]))
    before = [f"elsewhere/x{n}.png,{n},train,00ff" for n in range(12)]
    (tiny_weights / "learned-from.csv").write_text("\n".join(["path,group,split,weights", *before]))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "all rows of the table have their split from split.csv beside the weights" in ended.err
    assert "learned-from.csv" not in ended.err


def test_unknown_training_rows_are_a_warning(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [line.split(",") for line in table.read_text().splitlines()]
    table.write_text("\n".join(",".join([path, label]) for path, label, *_ in rows))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "neither a column `split` nor a split.csv beside the weights says which" in ended.err
    held = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "test")
    assert held.code == 2
    assert "no row has the split 'test'" in held.err
    assert f"no split.csv beside the weights ({tiny_weights}) lists its rows" in held.err
    assert "these are not the weights that were trained on it" in held.err
    assert "--set model.NAME.weights=FOLDER" in held.err
    assert "optimistic" not in held.err
    assert "or leave out --split" in held.err
    (tiny_weights / "split.csv").write_bytes(b"path,split\n\xf6.png,train\n")
    damaged = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert (damaged.code, "neither" in damaged.err) == (0, False)
    assert "split.csv beside the weights cannot be read (UnicodeDecodeError" in damaged.err
