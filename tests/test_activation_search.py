"""The pictures of a table that activate a target most."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from diascope.activation_search import ListedPicture, find_top_activating, read_rows
from diascope.card import ModelCard
from diascope.classifier import Classifier
from diascope.contracts import Runtime
from diascope.engines.torch import ReferenceEngine
from diascope.errors import TableError
from diascope.explain.targets import Target
from diascope.explain.top_activating import KEPT, TopActivating
from diascope.network import LinearHead, Network
from diascope.plugin_creation import make_backbone
from diascope.plugins import find_plugin, load_plugin
from diascope.preparation import Part, Preparation

Search = Callable[..., TopActivating]


@pytest.fixture
def rows(tmp_path: Path) -> list[ListedPicture]:
    """Ten grey pictures, each brighter than the one before."""
    for number in range(10):
        pixels = np.full((8, 8, 3), 20 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return [
        ListedPicture(f"{number}.png", tmp_path / f"{number}.png", ("grey",))
        for number in range(10)
    ]


@pytest.fixture
def search(make_card: Callable[..., ModelCard]) -> Search:
    """Return a function that searches for the only filter of a network: brightness."""
    backbone = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU())
    with torch.no_grad():
        backbone[0].weight.fill_(1)
        backbone[0].bias.zero_()
    card = make_card(mean=(0.0,) * 3, std=(1.0,) * 3)
    engine = ReferenceEngine(Network(backbone, LinearHead(1, 2)).eval(), card, "cpu")
    plugin = find_plugin("reader", "image")
    preparation = Preparation((Part(plugin, load_plugin(plugin)()),), (), block=1)
    classifier = Classifier(engine, card, Runtime("cpu", "none", make_backbone))
    target = Target("filter:0", "Filter 0", backbone[0], 0, backbone[0], "ReLU")

    def search(rows: list[ListedPicture], limit: int = 100, seed: int = 0) -> TopActivating:
        return find_top_activating(classifier, preparation, [target], rows, limit=limit, seed=seed)

    return search


def names(gallery: TopActivating) -> list[str]:
    return [each.name for each in gallery.strongest["filter:0"]]


def test_the_highest_responses_come_first_with_their_labels(
    search: Search, rows: list[ListedPicture]
) -> None:
    found = search(rows)
    strengths = [each.response.strength for each in found.strongest["filter:0"]]

    assert names(found) == [f"{number}.png" for number in range(9, 9 - KEPT, -1)]
    assert strengths == sorted(strengths, reverse=True)
    assert found.strongest["filter:0"][0].labels == ("grey",)
    assert (found.searched, found.rows, found.left_out) == (10, 10, {})


def test_a_picture_that_cannot_be_used_is_left_out_with_its_reason(
    search: Search, rows: list[ListedPicture]
) -> None:
    rows[9].path.write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    rows[8].path.unlink()
    Image.new("RGB", (9, 9)).save(rows[7].path)
    found = search(rows)

    assert names(found)[0] == "6.png"
    assert found.searched == 7
    assert sum(found.left_out.values()) == 3
    assert any("cannot be opened" in reason for reason in found.left_out)


def test_at_most_the_allowed_number_of_rows_is_drawn_at_random(
    search: Search, rows: list[ListedPicture]
) -> None:
    one, two, other = search(rows, limit=4), search(rows, limit=4), search(rows, limit=4, seed=1)

    assert one.searched == 4
    assert names(one) == names(two) != names(other)


def test_a_picture_in_several_rows_is_shown_once(search: Search, rows: list[ListedPicture]) -> None:
    assert names(search([*rows[:3], rows[2]])) == ["2.png", "1.png", "0.png"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("path\na.png\n", ()),
        ("path,label\na.png,x\n", ("x",)),
        ("path,labels\na.png,x|y\n", ("x", "y")),
        ("path,label\n a.png ,x\n", ("x",)),
        ("path,label\na.png,x\n,\n,\n", ("x",)),  # as spreadsheets leave rows at the end
    ],
)
def test_a_table_needs_no_labels_but_they_are_kept(
    tmp_path: Path, text: str, labels: tuple[str, ...]
) -> None:
    (tmp_path / "table.csv").write_text(text)

    assert read_rows(tmp_path / "table.csv") == [ListedPicture("a.png", tmp_path / "a.png", labels)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "needs a column path, got none"),
        (b"picture\na.png\n", "needs a column path, got picture"),
        (b"path;label\na.png;x\n", "separated by ';'; save it with commas"),
        (b"path,label\n\xe9.png,x\n", "save it as CSV UTF-8"),
        (b"path,label\n,\n", "has no rows"),
        (None, "cannot be read"),
    ],
)
def test_a_table_without_pictures_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "table.csv").write_bytes(content)

    with pytest.raises(TableError) as refused:
        read_rows(tmp_path / "table.csv")
    assert message in str(refused.value)
