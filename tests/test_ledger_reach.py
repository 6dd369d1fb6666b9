"""Answered items of a list that cannot be reached for a while: messages, and what is kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diascope.pseudonyms import KEY_VARIABLE
from tests.readers.dicoms import encoded
from tests.runs import Ended, states, write_pictures, write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of three pictures in ``disk`` and one in ``home``."""
    write_pictures(tmp_path / "disk", 3)
    write_pictures(tmp_path / "home", 1)
    path = tmp_path / "all.txt"
    path.write_text("disk/00.png\ndisk/01.png\ndisk/02.png\nhome/00.png\n")
    return path


@pytest.mark.parametrize("options", [[], ["--retry"]])
def test_an_item_that_can_be_reached_again_has_its_answer_back(
    command: Command, recipe: Path, listed: Path, options: list[str]
) -> None:
    disk, away, output = listed.parent / "disk", listed.parent / "away", listed.parent / "out"
    arguments = ("run", recipe, "--list", listed, "-o", output)
    command(*arguments)
    before = (output / "predictions.csv").read_bytes()

    disk.rename(away)
    gone = [command(*arguments) for _ in range(2)]
    ends = states(output)
    away.rename(disk)
    back = command(*arguments, *options)

    assert [ended.code for ended in gone] == [1, 1]
    assert ends["disk/01.png"] == ("failed", "it cannot be opened: No such file or directory")
    assert ends["home/00.png"] == ("ok", "")
    assert back.code == 0
    assert "4 ok, 0 failed, 0 skipped (nothing was left to classify)" in back.out
    assert (output / "predictions.csv").read_bytes() == before


def test_unreachable_items_count_as_failures_once_and_once_more_for_retry(
    command: Command, recipe: Path, listed: Path
) -> None:
    arguments = ("run", recipe, "--list", listed, "-o", listed.parent / "out")
    command(*arguments)
    (listed.parent / "disk").rename(listed.parent / "away")
    other = (listed.parent / "away" / "01.png").read_bytes()
    (listed.parent / "home" / "00.png").write_bytes(other)  # that is to be done again

    gone, retried, known = (
        command(*arguments, "--max-failures", 2, *options) for options in ([], ["--retry"], [])
    )

    assert [ended.code for ended in (gone, retried, known)] == [3, 3, 1]
    assert "3 items failed, 2 are allowed" in gone.err
    assert "3 items failed, 2 are allowed" in retried.err
    assert "4 found: 1 ok, 3 failed" in known.out


def test_an_item_that_comes_back_changed_is_processed_again(
    command: Command, recipe: Path, listed: Path
) -> None:
    picture, output = listed.parent / "disk" / "01.png", listed.parent / "out"
    arguments = ("run", recipe, "--list", listed, "-o", output)
    command(*arguments)
    picture.unlink()
    command(*arguments)
    picture.write_bytes((listed.parent / "disk" / "02.png").read_bytes())

    assert "1 of 1" in command(*arguments).err


def test_a_list_of_which_no_item_can_be_reached_is_refused(
    command: Command, recipe: Path, listed: Path
) -> None:
    output = listed.parent / "out"
    arguments = ("run", recipe, "--list", listed, "-o", output)
    command(*arguments)
    before = (output / "predictions.csv").read_bytes()
    for name in ("disk", "home"):
        (listed.parent / name).rename(listed.parent / f"away-{name}")

    ended = command(*arguments)

    assert ended.code == 2
    assert "none of the 4 items can be reached; 4 of them were answered earlier" in ended.err
    assert "Remove from the list what is gone for good" in ended.err
    assert (output / "predictions.csv").read_bytes() == before


def test_a_pseudonym_from_a_files_content_is_known_although_the_file_is_gone(
    command: Command, tiny_weights: Path, listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key of the test, long enough")
    recipe = write_recipe(listed.parent / "strict.yaml", tiny_weights, privacy="strict")
    for number, name in enumerate(listed.read_text().split()):
        content = encoded(np.zeros((40, 40), np.uint8), SOPInstanceUID=f"1.2.{number}")
        (listed.parent / name).write_bytes(content)
    output = listed.parent / "out"
    arguments = ("run", recipe, "--list", listed, "-o", output)
    command(*arguments)
    before = states(output)

    (listed.parent / "disk").rename(listed.parent / "away")
    command(*arguments)
    ends = states(output)
    (listed.parent / "home").rename(listed.parent / "away home")

    assert ends.keys() == before.keys()
    assert sorted(state for state, _ in ends.values()) == ["failed", "failed", "failed", "ok"]
    assert "none of the 4 items can be reached" in command(*arguments).err


@pytest.mark.parametrize("privacy", ["none", "strict"])
def test_an_unreachable_item_has_the_id_of_this_run(
    command: Command,
    recipe: Path,
    listed: Path,
    monkeypatch: pytest.MonkeyPatch,
    privacy: str,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key of the test, long enough")
    output, anew = listed.parent / "out", listed.parent / "anew"
    arguments = ("run", recipe, "--list", listed, "--set", f"privacy={privacy}", "-o")
    command("run", recipe, listed.parent / "disk", "-o", output)  # calls it 01.png
    (listed.parent / "disk" / "01.png").unlink()
    for folder in (output, anew):
        command(*arguments, folder)

    assert states(output) == states(anew)


def test_an_unreachable_item_at_another_path_hides_no_other_item(
    command: Command, recipe: Path, listed: Path
) -> None:
    root, output = listed.parent, listed.parent / "out"
    command("run", recipe, "--list", listed, "-o", output)
    other = root / "elsewhere" / "other.txt"
    other.parent.mkdir()
    other.write_text(f"disk/01.png\n{root / 'disk' / '01.png'}\n")  # the first is not there
    (root / "elsewhere" / "disk").mkdir()
    (root / "elsewhere" / "disk" / "01.png").symlink_to("nowhere")

    assert "2 found: 1 ok, 1 failed" in command("run", recipe, "--list", other, "-o", output).out


@pytest.mark.parametrize("answered", [True, False])
def test_an_item_unreachable_for_another_reason_says_so(
    command: Command, recipe: Path, listed: Path, answered: bool
) -> None:
    picture, output = listed.parent / "disk" / "01.png", listed.parent / "out"
    arguments = ("run", recipe, "--list", listed, "-o", output)
    if answered:
        command(*arguments)
    told = []
    for target in ("nowhere", picture, picture.parent):
        picture.unlink()
        picture.symlink_to(target)
        command(*arguments)
        told.append(states(output)["disk/01.png"])

    assert told == [
        ("failed", "it cannot be opened: No such file or directory"),
        ("failed", "it cannot be opened: Too many levels of symbolic links"),
        ("skipped", "a folder; a list names files"),
    ]
