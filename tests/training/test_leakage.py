"""Weights that learned from held-out pictures are refused as teachers and as a start."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diascope.card import file_digest
from diascope.errors import TableError
from diascope.table import Example, read_table
from diascope.training.leakage import check_unseen
from tests.runs import rows
from tests.training.trainings import COLOURS, train, write_table, write_training

pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a training whose groups are named as their split."""
    old = tmp_path / "old"
    rows = [f"{old}/{split}.jpg,red,{split},{split}" for split in ("train", "validation", "test")]
    (tmp_path / "split.csv").write_text("\n".join(["path,label,group,split", *rows]))
    return tmp_path


def example(folder: Path, group: str, split: Any, name: str) -> Example:
    path = name if name.endswith(".jpg") else f"{name}.png"
    table = folder / "table.csv"
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).touch()
    table.write_text(f"path,label,group\n{path},red,{group}\n")
    (row,) = read_table(table, "multiclass")
    return replace(row, split=split)


@pytest.mark.parametrize(
    ("group", "split"), [("train", "test"), ("train", "validation"), ("validation", "test")]
)
def test_a_group_that_was_learned_from_and_is_held_out_is_named(
    folder: Path, group: str, split: str
) -> None:
    with pytest.raises(TableError, match=f"held out now as {split}: {group}\n.*column `split`"):
        check_unseen(folder, [example(folder, group, split, group)])


@pytest.mark.parametrize(
    ("group", "split"),
    [
        *[("train", "train"), ("validation", "train"), ("validation", "validation")],
        *[("test", each) for each in ("train", "validation", "test")],
        *[("another", each) for each in ("train", "validation", "test")],
    ],
)
def test_any_other_is_let_pass(folder: Path, group: str, split: str) -> None:
    assert check_unseen(folder, [example(folder, group, split, group)]) == []


def test_groups_of_other_pictures_are_only_warned_of_unless_one_picture_is_the_same(
    folder: Path,
) -> None:
    others = [example(folder, group, "test", f"other-{group}") for group in ("train", "validation")]
    (told,) = check_unseen(folder, others)
    assert told.startswith(f"{folder}: groups are named as in split.csv beside the weights (2), ")
    assert "but none has a picture of the same name" in told
    with pytest.raises(TableError, match="held out now as test: train, validation\n"):
        check_unseen(folder, [*others, example(folder, "test", "train", "test")])


@pytest.mark.parametrize("group", ["", "renamed"])
def test_a_picture_that_was_learned_from_is_refused_whatever_its_group(
    folder: Path, group: str
) -> None:
    for old in (folder / "old", Path("old"), Path("old", "..", "old")):  # all one folder
        with pytest.raises(TableError, match=f"held out now as test: {old}/train.jpg\n"):
            check_unseen(folder, [example(folder, group, "test", f"{old}/train.jpg")])
        assert check_unseen(folder, [example(folder, group, "test", f"{old}/test.jpg")]) == []


def test_a_picture_without_a_group_is_refused_by_its_path_as_written(folder: Path) -> None:
    split = folder / "split.csv"
    split.write_text(f"{split.read_text()}\nphotos/a.jpg,red,P7,train")
    with pytest.raises(TableError, match=r"held out now as test: photos/a\.jpg\n"):
        check_unseen(folder, [example(folder, "", "test", "photos/a.jpg")])
    (told,) = check_unseen(folder, [example(folder, "P8", "test", "photos/a.jpg")])
    assert "but in another group or folder" in told


def test_a_picture_that_stood_in_two_splits_was_learned_from(folder: Path) -> None:
    split = folder / "split.csv"
    picture = f"{folder}/old/train.jpg"
    split.write_text(f"{split.read_text()}\n{picture},red,copy,test")
    with pytest.raises(TableError, match=f"held out now as test: {picture}\n"):
        check_unseen(folder, [example(folder, "renamed", "test", picture)])


def test_a_held_out_picture_that_is_only_named_as_a_learned_one_is_warned_of(folder: Path) -> None:
    (told,) = check_unseen(folder, [example(folder, "renamed", "test", "train")])
    named = "1 held-out picture with the name of one that the weights were trained on"
    assert f"{named}, by {folder}" in told
    assert check_unseen(folder, [example(folder, "renamed", "train", "train")]) == []
    assert check_unseen(folder, [example(folder, "renamed", "test", "new")]) == []


def test_of_another_projects_split_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("image,fold\na.png,1\n")
    assert check_unseen(tmp_path, [example(tmp_path, "a", "test", "a")]) == []


def test_a_split_that_a_spreadsheet_saved_is_known_and_one_that_cannot_be_read_a_warning(
    folder: Path,
) -> None:
    split, held = folder / "split.csv", [example(folder, "train", "test", "train")]
    split.write_text(split.read_text(), "utf-8-sig")
    with pytest.raises(TableError, match="held out now as test: train\n"):
        check_unseen(folder, held)
    split.write_text("path,label,group,split\nö.jpg,red,train,train\n", "latin-1")
    (told,) = check_unseen(folder, held)
    assert told.startswith(f"{folder}: split.csv beside the weights cannot be read (UnicodeDecode")


def test_a_training_warns_once_of_groups_that_merely_share_a_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    table = write_table(tmp_path / "pictures", list(COLOURS))
    first = tmp_path / "first"
    train(write_training(tmp_path / "a.yaml", table, epochs=1), first)
    split = first / "split.csv"
    split.write_text(split.read_text().replace(".png", "-of-others.png"))
    capsys.readouterr()
    other: dict[str, Any] = {"start": str(first), "seed": 5, "folds": 2}
    train(write_training(tmp_path / "b.yaml", table, epochs=1, **other), tmp_path / "second")
    assert capsys.readouterr().out.count("groups are named as in split.csv") == 1


def test_what_earlier_weights_learned_from_is_refused_each_training_on_its_own(
    folder: Path,
) -> None:
    learned = folder / "learned-from.csv"
    learned.write_text(
        "path,group,split,weights\n"
        "1.png,one,train,aa\n2.png,two,validation,aa\n"
        "other-1.png,three,train,bb\n"
    )
    told = f"{learned}: the weights that it started from, or its teachers, learned from groups"
    for group, name, split in (("one", "1", "validation"), ("two", "2", "test")):
        with pytest.raises(TableError, match=f"held out now as {split}: {group}\n") as caught:
            check_unseen(folder, [example(folder, group, split, name)])
        assert str(caught.value).startswith(told)
    assert check_unseen(folder, [example(folder, "two", "validation", "2")]) == []
    named = [example(folder, "one", "train", "1"), example(folder, "three", "test", "new")]
    (warning,) = check_unseen(folder, named)
    assert "named as in learned-from.csv beside the weights (1), but none has" in warning


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training beside the table of its pictures."""
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    folder = tmp_path_factory.mktemp("first")
    table = write_table(folder / "pictures", list(COLOURS))
    train(write_training(folder / "a.yaml", table, epochs=1), folder / "first")
    return folder / "first"


@pytest.mark.parametrize("role", ["teachers", "start", "start by its file"])
def test_a_training_of_another_split_is_refused_before_anything_is_written(
    tmp_path: Path, first: Path, role: str
) -> None:
    table = first.parent / "pictures" / "table.csv"
    named = {
        "teachers": {"teachers": [str(first)]},
        "start": {"start": str(first)},
        "start by its file": {"start": str(first / "model.safetensors")},
    }
    known: dict[str, Any] = named[role] | {"epochs": 1}

    others: tuple[dict[str, int], ...] = ({"seed": 5}, {"folds": 2})
    for other in others:
        with pytest.raises(TableError, match="training used groups that are held out"):
            train(write_training(tmp_path / "b.yaml", table, **known, **other), tmp_path / "second")
        assert not (tmp_path / "second").exists()
    assert train(write_training(tmp_path / "c.yaml", table, **known), tmp_path / "third").digest


@pytest.fixture(scope="module")
def second(first: Path) -> Path:
    """A training on other pictures and groups that starts from ``first``."""
    table = write_table(first.parent / "others", list(COLOURS))
    header, *lines = table.read_text().splitlines()
    cells = [line.split(",") for line in lines]
    for name, _, _ in cells:
        (table.parent / name).rename(table.parent / f"other-{name}")
    renamed = [f"other-{name},{label},other {group}" for name, label, group in cells]
    table.write_text("\n".join([header, *renamed]))
    folder = first.parent / "second"
    train(write_training(first.parent / "b.yaml", table, epochs=1, start=str(first)), folder)
    return folder


@pytest.mark.parametrize("role", ["teachers", "start"])
def test_a_start_that_itself_started_from_weights_that_learned_the_table_is_refused(
    tmp_path: Path, first: Path, second: Path, role: str
) -> None:
    table = first.parent / "pictures" / "table.csv"
    named: dict[str, Any] = {role: [str(second)] if role == "teachers" else str(second)}
    held = "learned-from.csv: the weights that it started from, or its teachers, learned from"
    with pytest.raises(TableError, match=held):
        train(write_training(tmp_path / "b.yaml", table, epochs=1, seed=5, **named), tmp_path / "c")
    assert not (tmp_path / "c").exists()
    train(write_training(tmp_path / "d.yaml", table, epochs=1, **named), tmp_path / "d")
    learned, own = rows(tmp_path / "d" / "learned-from.csv"), rows(first / "split.csv")
    ours = [row["group"] for row in own if row["split"] != "test"]
    others = [row["group"] for row in rows(second / "split.csv") if row["split"] != "test"]
    assert sorted(row["group"] for row in learned) == sorted([*ours, *others])
    assert {row["weights"] for row in learned} == {
        file_digest(folder / "model.safetensors") for folder in (first, second)
    }


def test_the_split_of_another_project_beside_a_start_is_not_recorded(
    tmp_path: Path, first: Path
) -> None:
    table = first.parent / "pictures" / "table.csv"
    (tmp_path / "theirs").mkdir()
    start = tmp_path / "theirs" / "other.safetensors"
    start.write_bytes((first / "model.safetensors").read_bytes())
    (tmp_path / "theirs" / "split.csv").write_bytes((first / "split.csv").read_bytes())
    known: dict[str, Any] = {"epochs": 1, "seed": 5, "start": str(start)}
    train(write_training(tmp_path / "b.yaml", table, **known), tmp_path / "mine")
    assert not (tmp_path / "mine" / "learned-from.csv").exists()
