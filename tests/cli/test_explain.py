"""``pipeline explain``: from a recipe and a picture to a page."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from diascope.card import ModelCard, read_card, write_card
from tests.runs import Ended, write_pictures, write_recipe

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
    assert "The result is the evidence map at the top of this page" in page
    assert "fall of the logit when a part is hidden" in page
    assert "http" not in page.replace("http-equiv", "")


def test_other_preprocessing_than_in_training_is_a_warning(
    command: Command, recipe: Path, tiny_weights: Path, picture: Path, tmp_path: Path
) -> None:
    card = read_card(tiny_weights)
    write_card(replace(card, preprocess=("gray-world", *card.preprocess)), tiny_weights)
    ended = command("explain", recipe, picture, "-o", tmp_path, "--no-occlusion")
    page = (tmp_path / "explain.html").read_text()

    assert "warning: preprocess differs from how classifier was trained" in ended.err
    assert "preprocess differs from how classifier was trained" in page
    assert "unless a warning at the top of this page says otherwise" in page


def test_occlusion_can_be_left_out_and_the_label_chosen(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    ended = command("explain", recipe, picture, "-o", tmp_path, "--label", "blue", "--no-occlusion")
    page = (tmp_path / "explain.html").read_text()

    assert "exact evidence of blue" in ended.out
    assert "Orange is evidence for <b>blue</b>" in page
    assert "Occlusion" not in page


@pytest.mark.parametrize(("test_time", "alone"), [("none", False), ("flips", True)])
def test_the_logit_of_one_picture_is_not_given_as_that_of_a_mirrored_score(
    command: Command, recipe: Path, picture: Path, tmp_path: Path, test_time: str, alone: bool
) -> None:
    given = f"model.classifier.test_time={test_time}"
    command("explain", recipe, picture, "-o", tmp_path, "--no-occlusion", "--set", given)
    page = (tmp_path / "explain.html").read_text()

    assert ("before its conversion to a score" in page) is not alone
    assert ("of the picture itself; the score also uses its mirror images" in page) is alone
    assert ("mean logit of 4 mirror images" in page) is alone


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
    assert "map at the top of this page; its numbers add up" not in page


def test_integrated_gradients_are_shown_with_what_they_miss(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    pytest.importorskip("captum", reason="needs diascope[explain]")
    method = "--method", "integrated-gradients", "--no-occlusion"
    told = command("explain", recipe, picture, "-o", tmp_path, *method).out
    page = (tmp_path / "explain.html").read_text()

    assert "<b>Integrated gradients</b>" in page
    assert "completeness gap" in page
    assert "integrated-gradients evidence of " in told
    assert "relative residual " in told


def test_without_an_image_the_first_of_the_recipes_input_is_explained(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "photos", 2)
    (tmp_path / "photos/.hidden.png").write_bytes(picture.read_bytes())
    own = {"input": "photos", "output": str(tmp_path / "photos/0")}
    write_pictures(tmp_path / "photos/0", 1)  # of an earlier run, such as a DICOM capture
    recipe.write_text(json.dumps(json.loads(recipe.read_text()) | own))
    ended = command("explain", recipe, "-o", tmp_path / "out", "--no-occlusion")

    assert ended.code == 0, ended.err
    assert ": 00.png\n" in ended.out


def test_the_demo_needs_no_recipe(command: Command, tmp_path: Path) -> None:
    ended = command("explain", "--demo", "--output", tmp_path)

    assert ended.code == 0, ended.err
    assert "max pooling" in (tmp_path / "blackboard.html").read_text().lower()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "a recipe is needed"),
        (["{recipe}"], "the recipe has no picture of its own"),
        (["{recipe}", "nowhere.png"], "there is no 'nowhere.png'"),
        (["{recipe}", "{folder}"], "matches several files"),
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


@pytest.fixture
def lenet(
    make_card: Callable[..., ModelCard],
    make_weights: Callable[..., tuple[Path, ModelCard]],
    tmp_path: Path,
) -> Path:
    """Write a recipe with a binary LeNet of random weights."""
    layers = [{"conv": {"filters": 4, "kernel": 5, "padding": "valid"}}, {"pool": {}}]
    card = make_card(
        task="binary",
        size=(32, 32),
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        score_kind="sigmoid",
        backbone_parameters={"layers": layers * 2},
    )
    return write_recipe(tmp_path / "lenet.yaml", make_weights(card)[0])


@pytest.mark.parametrize("option", [("--label", "dark"), ("--wants", "label:dark")])
def test_of_a_binary_network_only_the_positive_label_has_a_logit(
    command: Command, lenet: Path, picture: Path, tmp_path: Path, option: tuple[str, str]
) -> None:
    ended = command("explain", lenet, picture, "-o", tmp_path / "out", *option)

    assert ended.code == 2
    assert "small has no logit of 'dark': a binary network has one, that of the" in ended.err
    assert "Name bright: evidence against it is evidence for dark." in ended.err


def test_the_page_says_where_the_cells_of_a_network_without_padding_lie(
    command: Command, lenet: Path, picture: Path, tmp_path: Path
) -> None:
    pytest.importorskip("captum", reason="needs diascope[explain]")
    told = "ells lie 4 pixels apart, the first centred at 7.5 (the first pixel is 0); "
    for method, stretched in (("exact", True), ("integrated-gradients", False)):
        options = ("--method", method, "--no-occlusion", "-q", "-o", tmp_path)
        ended = command("explain", lenet, picture, *options)
        page = (tmp_path / "explain.html").read_text()
        assert ended.code == 0, ended.err
        assert (f"C{told}the map is drawn stretched over the whole picture." in page) is stretched
        assert f"4 channels; c{told}each depends on 16 x 16 pixels of the picture" in page
        assert '"title":"Layer 3: 10 x 10 positions"' in page


def test_a_picture_that_cannot_be_read_ends_with_1_and_its_reason(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    picture.write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    ended = command("explain", recipe, picture, "-o", tmp_path)

    assert ended.code == 1
    assert f"failed: {picture}: " in ended.err


def test_a_label_and_a_filter_are_visualised_beside_the_pictures_that_activate_them_most(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "photos", 4)
    (tmp_path / "photos" / "02.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    rows = "\n".join(f"photos/0{number}.png,red" for number in range(4))
    (tmp_path / "table.csv").write_text(f"path,label\n{rows}\n")
    wants = ("--wants", "label:red", "--wants", "filter:3", "--wants", "depth2:1")
    table = ("--table", tmp_path / "table.csv", "--no-occlusion")
    ended = command("explain", recipe, picture, "-o", tmp_path, *wants, *table)
    page = (tmp_path / "explain.html").read_text()
    section = page[page.index('id="visualisations"') : page.index('id="arithmetic"')]

    assert ended.code == 0, ended.err
    assert "filter:3: " in ended.out
    assert "3 pictures of the table searched" in ended.out
    assert "left out: 1, " in ended.err
    assert section.count("Feature visualisation of ") == 3
    assert section.count("03.png") == 3
    assert "not what a disease looks like" in section
    assert "could not be used" in section
    assert "128 steps" in section


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--wants", "label:bleu"), "Did you mean 'blue'?"),
        (("--wants", "depth7:0"), "this network has no such part"),
        (("--table", "nowhere.csv"), "--table needs --wants"),
        (("--wants", "filter:0", "--table", "nowhere.csv"), "nowhere.csv: cannot be read: No such"),
    ],
)
def test_an_unknown_target_is_refused_with_2(
    command: Command,
    recipe: Path,
    picture: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    told: str,
) -> None:
    ended = command("explain", recipe, picture, "-o", tmp_path, *options)

    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "explain.html").exists()


def test_several_devices_are_refused_and_not_blamed_on_the_model(
    command: Command, recipe: Path, picture: Path, tmp_path: Path
) -> None:
    settings = "--set", "run.device=auto", "--set", "run.devices=[cpu, cpu]"
    ended = command("explain", recipe, picture, "-o", tmp_path / "out", *settings)

    assert ended.code == 2
    assert "run.devices names several" in ended.err


def test_the_page_contains_no_password_of_an_address(
    command: Command, recipe: Path, picture: Path, memory: MemoryFileSystem, tmp_path: Path
) -> None:
    memory.pipe("/me:secret@host/a.png", picture.read_bytes())
    ended = command(
        *("explain", recipe, "memory://me:secret@host/a.png", "-o", tmp_path, "--no-occlusion")
    )
    assert ended.code == 0
    page = (tmp_path / "explain.html").read_text()
    assert "memory://***@host/a.png" in page
    assert "secret" not in page


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("a.png", "failed: memory://***@host/a.png: "),
        ("", "'memory://***@host/' matches several files"),
    ],
)
def test_messages_about_an_address_contain_no_password(
    command: Command, recipe: Path, memory: MemoryFileSystem, tmp_path: Path, named: str, told: str
) -> None:
    memory.pipe({f"/me:secret@host/{name}.png": b"no picture" for name in "ab"})
    ended = command("explain", recipe, f"memory://me:secret@host/{named}", "-o", tmp_path)
    assert told in ended.err
    assert "secret" not in ended.err
