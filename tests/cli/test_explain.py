"""``pipeline explain``: from a recipe and a picture to a page."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs import Ended, write_pictures

Command = Callable[..., Ended]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos", 1) / "00.png"


def test_a_picture_is_explained_on_one_page(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = command("explain", recipe, picture, "--output", out)
    page = (out / "explain.html").read_text()

    assert ended.code == 0, ended.err
    assert "relative residual" in ended.out
    assert [path.name for path in out.iterdir()] == ["explain.html"]
    assert "After resize" in page
    assert "What is lost when a part is hidden" in page
    assert "http" not in page.replace("http-equiv", "")


def test_occlusion_can_be_left_out_and_the_label_chosen(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    ended = command("explain", recipe, picture, "-o", tmp_path, "--label", "blue", "--no-occlusion")
    page = (tmp_path / "explain.html").read_text()

    assert "exact evidence of blue" in ended.out
    assert "Orange speaks for <b>blue</b>" in page
    assert "What is lost" not in page


@pytest.mark.parametrize(
    ("method", "title"),
    [("hirescam", "HiResCAM"), ("grad-cam", "Grad-CAM"), ("grad-cam++", "Grad-CAM++")],
)
def test_another_method_is_named_for_what_it_is(
    command: Command, recipe: Path, picture: Path, tmp_path: Path, method: str, title: str
) -> None:
    command("explain", recipe, picture, "-o", tmp_path, "--method", method, "--no-occlusion", "-q")
    page = (tmp_path / "explain.html").read_text()

    assert f"<b>{title}</b>" in page
    assert "need not add up" in page


def test_the_demo_needs_no_recipe(command: Command, tmp_path: Path) -> None:
    ended = command("explain", "--demo", "--output", tmp_path)

    assert ended.code == 0, ended.err
    assert "max pooling" in (tmp_path / "blackboard.html").read_text().lower()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{picture}"], "a recipe and an image are needed"),
        (["{recipe}", "nowhere.png"], "there is no 'nowhere.png'"),
        (["{recipe}", "{folder}"], "is several files"),
        (["{recipe}", "{picture}", "--label", "bleu"], "Did you mean 'blue'?"),
        (["{recipe}", "{picture}", "--method", "magic"], "'magic'"),
    ],
)
def test_a_wrong_command_is_refused_with_2(
    command: Command,
    recipe: Path,
    picture: Path,
    tmp_path: Path,
    arguments: list[str],
    told: str,
) -> None:
    write_pictures(tmp_path / "photos", 2)
    names = {"recipe": recipe, "picture": picture, "folder": picture.parent}
    ended = command("explain", *(each.format(**names) for each in arguments), "-o", tmp_path)

    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "explain.html").exists()


def test_a_picture_that_cannot_be_read_ends_with_1_and_its_reason(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    picture.write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    ended = command("explain", recipe, picture, "-o", tmp_path)

    assert ended.code == 1
    assert f"failed: {picture}: " in ended.err
