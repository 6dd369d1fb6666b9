"""Problems with a table and its pictures are reported before training."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.errors import TableError
from diascope.plugin_creation import make_readers
from diascope.preparation import Preparation
from diascope.recipe import read_recipe
from diascope.sample import Sample
from diascope.table import Example, read_table
from diascope.training.dataset import first_and_more
from diascope.training.defects import DEFECTS_FILE, Inspection, inspect_pictures

Inspect = Callable[..., Inspection]
Row = tuple[str, str, str, str]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Return a function that inspects rows of (path, label, group, split) of pictures here.

    A fold is given as group to split; groups that are not named are in train.
    """
    (tmp_path / "recipe.yaml").write_text("model: classifier\nread: image\n")
    readers, _ = make_readers(read_recipe(str(tmp_path / "recipe.yaml")))
    preparation = Preparation(readers, (), block=1)

    def call(rows: Sequence[Row], allow: bool = False, **options: Any) -> Inspection:
        table = tmp_path / "table.csv"
        lines = ["path,label,group,split", *(",".join(row) for row in rows)]
        table.write_text("\n".join(lines) + "\n")
        examples = read_table(table, "multiclass")
        folds = [
            [replace(one, split=fold.get(one.group, "train")) for one in examples]
            for fold in options.pop("folds", ())
        ]
        return inspect_pictures(
            examples,
            preparation,
            allow_duplicates=allow,
            folds=folds,
            directory=tmp_path,
            table=table,
            **{"channels": 3, "whole": False, "names": ("a", "b"), **options},
        )

    return call


def picture(folder: Path, name: str, seed: int, size: tuple[int, int] = (40, 48)) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(folder / name)


def good_rows(folder: Path, *, of_each: int = 24) -> list[Row]:
    """Write pictures without any defect, and return their rows."""
    rows: list[Row] = []
    for number in range(2 * of_each):
        name = f"{number:02}.png"
        picture(folder, name, number)
        split = ("train", "train", "validation", "test")[number // 2 % 4]
        rows.append((name, "ab"[number % 2], f"group-{number}", split))
    return rows


def refusal(inspect: Inspect, rows: Sequence[Row], **options: object) -> str:
    with pytest.raises(TableError) as refused:
        inspect(rows, **options)
    return str(refused.value)


def listed(folder: Path) -> list[dict[str, str]]:
    with (folder / DEFECTS_FILE).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_good_table_has_no_warning_and_an_empty_list(inspect: Inspect, tmp_path: Path) -> None:
    assert inspect(good_rows(tmp_path)) == Inspection((40, 48), ())
    assert listed(tmp_path) == []


def test_all_unreadable_pictures_are_named_by_row(inspect: Inspect, tmp_path: Path) -> None:
    rows = good_rows(tmp_path)
    for name in ("03.png", "10.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n but no picture")
    (tmp_path / "11.png").write_bytes(b"")

    told = refusal(inspect, rows)

    assert "3 pictures cannot be read" in told
    assert [word in told for word in ("line 5: 03.png", "line 12: 10.png")] == [True, True]
    assert "line 13: 11.png: cannot be used: the file is empty" in told


def test_pictures_with_non_finite_pixels_are_named(
    inspect: Inspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(example: Example, preparation: Preparation) -> tuple[Sample, bool]:
        sample, more = first_and_more(example, preparation)
        value = np.nan if example.line == 7 else 1.0
        return replace(sample, pixels=sample.pixels * np.float32(value)), more

    monkeypatch.setattr("diascope.training.defects.first_and_more", read)
    told = refusal(inspect, good_rows(tmp_path))
    assert "1 picture cannot be read\n    line 7: 05.png: not all of its pixels are num" in told


def test_of_an_item_of_several_frames_only_the_first_is_learned_from_and_a_warning_says_so(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = [("film.tif", *good_rows(tmp_path)[0][1:]), *good_rows(tmp_path)[1:]]
    frames = [Image.open(tmp_path / name) for name in ("00.png", "09.png")]
    frames[0].save(tmp_path / "film.tif", save_all=True, append_images=frames[1:])

    (warning,) = inspect(rows).warnings

    assert warning.startswith("1 item of several frames or regions: only the first of each is lear")
    assert "line 2: film.tif" in warning
    assert "head: attention" in warning
    assert inspect(rows, whole=True).warnings == ()


def test_pictures_of_another_size_than_most_are_named(inspect: Inspect, tmp_path: Path) -> None:
    rows = good_rows(tmp_path)
    picture(tmp_path, "00.png", 0, (20, 24))

    told = refusal(inspect, rows)

    assert "1 picture not of 48 x 40 pixels" in told
    assert "line 2: 00.png: 24 x 20" in told
    assert "resize" in told


def test_channels_that_the_network_does_not_take_are_an_error(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    with Image.open(tmp_path / "00.png") as colour:
        grey = colour.convert("L")
    grey.save(tmp_path / "00.png")
    told = refusal(inspect, rows, channels=1)

    assert "47 pictures not of 1 channel, which the network takes" in told
    assert "line 3: 01.png: 3 channels" in told
    assert "line 2: 00.png" not in told
    assert "grayscale" in told
    assert "line 2: 00.png: 1 channel" in refusal(inspect, rows, channels=4)
    assert inspect(rows, channels=3).warnings == ()


def test_a_copy_in_another_split_is_an_error_that_names_both_rows(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    Image.open(tmp_path / "00.png").save(tmp_path / "06.jpg", quality=60)
    rows[6] = ("06.jpg", *rows[6][1:])

    told = refusal(inspect, rows)

    assert "line 2: 00.png (train) = line 8: 06.jpg (test)" in told
    assert "allow_duplicates" in told


def test_a_copy_in_another_split_can_be_allowed_and_is_still_reported(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    (tmp_path / "06.png").write_bytes((tmp_path / "00.png").read_bytes())

    (warning,) = inspect(rows, allow=True).warnings

    assert "copies in another split" in warning
    assert listed(tmp_path)[0]["level"] == "warning"


def test_a_copy_in_the_same_split_is_a_warning_unless_they_are_one_group(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    (tmp_path / "02.png").write_bytes((tmp_path / "00.png").read_bytes())

    (warning,) = inspect(rows).warnings
    assert "other groups of the same split" in warning

    rows[2] = (*rows[2][:2], "group-0", "train")
    assert inspect(rows).warnings == ()


def test_a_copy_in_another_split_of_a_fold_is_an_error_that_names_the_fold(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    (tmp_path / "02.png").write_bytes((tmp_path / "00.png").read_bytes())
    together = {"group-0": "test", "group-2": "test"}
    folds = [together, {"group-0": "test", "group-2": "validation"}]

    told = refusal(inspect, rows, folds=folds)
    assert "in fold 2 of 2: 1 picture with copies in another split" in told
    assert "line 2: 00.png (test) = line 4: 02.png (validation)" in told
    assert "fold 1" not in told
    assert any("in fold 2 of 2" in one for one in inspect(rows, allow=True, folds=folds).warnings)
    assert not any("in fold" in one for one in inspect(rows, folds=[together]).warnings)


def test_of_many_copies_some_are_reported_and_all_are_in_the_file(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    for number in range(40):
        (tmp_path / f"{number:02}.png").write_bytes((tmp_path / "00.png").read_bytes())

    told = refusal(inspect, rows)

    assert "line 2: 00.png (train) = " in told
    assert " = line 11: 09.png (train) = 30 more\n" in told
    assert "line 41: 39.png" in listed(tmp_path)[0]["row"]


def test_copies_with_other_labels_are_reported(inspect: Inspect, tmp_path: Path) -> None:
    rows = good_rows(tmp_path)
    (tmp_path / "01.png").write_bytes((tmp_path / "00.png").read_bytes())
    rows[1] = (*rows[1][:2], "group-0", "train")

    (warning,) = inspect(rows).warnings

    assert "copies have other labels" in warning


def test_a_label_without_training_pictures_is_an_error_that_says_where_they_are(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = good_rows(tmp_path)
    told = refusal(inspect, rows, names=("a", "b", "c"))
    assert "no picture in train of c" in told
    assert "The table has no picture of c: leave it out" in told

    held_out = [row for row in rows if row[1] == "a" or row[3] != "train"]
    told = refusal(inspect, held_out, names=("a", "b", "c"))
    assert "no picture in train of b, c" in told
    assert "has no picture of c:" in told
    assert "All pictures of b are held out" in told


def test_a_label_that_is_absent_or_scarce_where_it_is_measured_is_a_warning(
    inspect: Inspect, tmp_path: Path
) -> None:
    rows = [row for row in good_rows(tmp_path) if row[1:] != ("a", row[2], "test")]

    assert inspect(rows).warnings == ("no picture in test of a",)
    assert inspect(rows[:27]).warnings == (
        "fewer than 10 groups in train of a (8), b (8)",
        "fewer than 5 groups in validation of a (4), b (4)",
        "no picture in test of a",
        "fewer than 5 groups in test of b (3)",
    )


def test_all_errors_are_reported_at_once(inspect: Inspect, tmp_path: Path) -> None:
    rows = good_rows(tmp_path)
    (tmp_path / "03.png").write_bytes(b"")
    (tmp_path / "06.png").write_bytes((tmp_path / "00.png").read_bytes())

    told = refusal(inspect, rows)

    assert "cannot be read" in told
    assert "copies in another split" in told


def test_ten_rows_are_shown_and_all_are_in_the_list(inspect: Inspect, tmp_path: Path) -> None:
    rows = good_rows(tmp_path)
    for name, *_ in rows[:14]:
        (tmp_path / name).write_bytes(b"")

    told = refusal(inspect, rows)

    assert told.count("the file is empty") == 10
    assert "and 4 more" in told
    assert str(tmp_path / DEFECTS_FILE) in told
    assert len([row for row in listed(tmp_path) if row["level"] == "error"]) == 14
