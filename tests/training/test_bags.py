"""Training on whole items of many regions, with labels of whole items only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.card import read_card
from diascope.errors import RecipeError, WeightsError
from diascope.recipe import read_recipe
from tests.runs import Ended, rows, write_recipe
from tests.training.strips import ENTRY_POINTS, SOURCE, write_attention, write_strips
from tests.training.trainings import train

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture(autouse=True)
def strips(install: Callable[..., None]) -> None:
    """Install the reader of strips."""
    install("strip", ENTRY_POINTS, strip_plugin=SOURCE)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_strips(tmp_path / "strips")


def mean_auc(mine: Path, table: Path) -> float:
    """Return the AUC on the test items of the best linear layer on the mean over the regions."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    means, lit, splits = [], [], []
    for row in rows(mine / "split.csv"):
        pixels = np.asarray(Image.open(table.parent / row["path"]), np.float64)
        means.append([pixels.mean() / 255])
        lit.append(row["label"] == "lit")
        splits.append(row["split"])
    training, test = (np.array(splits) == split for split in ("train", "test"))
    x, y = np.array(means), np.array(lit)
    layer = LogisticRegression(C=1e6).fit(x[training], y[training])
    return float(roc_auc_score(y[test], layer.decision_function(x[test])))


def test_one_decisive_region_in_twenty_is_found_from_item_labels_alone(
    command: Callable[..., Ended], tmp_path: Path, table: Path
) -> None:
    """With features that are linear in the brightness, the mean over an item says nothing."""
    mine = tmp_path / "mine"
    assert command("train", write_attention(tmp_path / "t.yaml", table), "-o", mine).code == 0
    card = read_card(mine)
    assert (card.head, card.metrics["auc"]["value"]) == ("attention", 1)
    assert mean_auc(mine, table) < 0.8

    read, steps = "strip", list(card.preprocess)
    report = ["csv", "json"]
    recipe = write_recipe(tmp_path / "run.yaml", mine, preprocess=steps, read=read, report=report)
    assert command("run", recipe, table.parent / "*.png", "-o", tmp_path / "out").code == 0
    answers = {row["item"]: row for row in rows(tmp_path / "out" / "predictions.csv")}
    truth = {row["path"]: row["label"] for row in rows(table)}
    assert np.mean([answers[name]["predicted"] == truth[name] for name in truth]) > 0.9
    assert all(
        row["trace"].endswith("20 regions aggregated by attention") for row in answers.values()
    )
    lines = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()
    assert {json.loads(line)["samples"] for line in lines} == {20}
    measured = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "measured")
    assert (measured.code, "AUC" in measured.out) == (0, True)
    assert found_by_attention(recipe, table) > 0.9


def found_by_attention(recipe: Path, table: Path) -> float:
    """Return in how many of the lit strips the bright square weighs most."""
    from diascope.pipeline import compose
    from diascope.sample import Item

    pipeline, right = compose(read_recipe(str(recipe))), []
    for row in (row for row in rows(table) if row["label"] == "lit"):
        item = Item(row["path"], str(table.parent / row["path"]))
        samples: list[Any] = [each for block in pipeline.prepare(item) for each in block]
        weights = [each.attention for each in pipeline.load().predict(samples)]
        right.append(np.argmax(np.array(weights, float)) == int(row["bright"]))
    return float(np.mean(right))


def test_a_killed_training_goes_on_to_the_same_bytes_and_computes_no_features_again(
    tmp_path: Path, table: Path
) -> None:
    from diascope.training.train import train as run_training

    recipe = write_attention(
        tmp_path / "t.yaml", table, epochs=5, regions=8, ema=0.9, balance="sampling", dropout=0.1
    )

    def killed(progress: Any) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt

    mine, undisturbed = tmp_path / "mine", tmp_path / "undisturbed"
    with pytest.raises(KeyboardInterrupt):
        run_training(read_recipe(str(recipe)), mine, killed, print, "a test")
    stamps = {path: path.stat().st_mtime_ns for path in (mine / "features").iterdir()}
    train(recipe, mine)
    train(recipe, undisturbed)

    assert len(stamps) == 48
    assert {path: path.stat().st_mtime_ns for path in (mine / "features").iterdir()} == stamps
    for name in ("model.safetensors", "history.json"):
        assert (mine / name).read_bytes() == (undisturbed / name).read_bytes()
    strip = table.parent / rows(mine / "split.csv")[0]["path"]
    Image.fromarray(255 - np.asarray(Image.open(strip))).save(strip)
    with pytest.raises(WeightsError, match="was trained with other pictures: 1 of 48 have"):
        train(recipe, mine)


def test_single_pictures_are_items_of_one_region(tmp_path: Path, table: Path) -> None:
    recipe = write_attention(tmp_path / "t.yaml", table, epochs=1, folds=2, allow_duplicates=True)
    written = json.loads(recipe.read_text())
    recipe.write_text(json.dumps({**written, "read": "image"}))
    card = train(recipe, tmp_path / "mine")
    features = [np.load(path) for path in (tmp_path / "mine" / "features").iterdir()]
    assert {each.shape for each in features} == {(1, 6)}
    assert card.cross_validation["folds"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"freeze_backbone": False}, "add freeze_backbone: true"),
        ({"augment": ["RandGaussianNoise"]}, "augment: no effect with head: attention"),
        ({"test_time": "flips"}, "test_time: no effect with head: attention"),
        ({"frozen_epochs": 1, "layer_decay": 0.5}, "frozen_epochs, layer_decay: no effect"),
        ({"head": "linear", "regions": 4}, "regions: no effect with head: linear"),
    ],
)
def test_options_without_meaning_are_refused_with_the_line(
    tmp_path: Path, table: Path, options: dict[str, Any], words: str
) -> None:
    recipe = write_attention(tmp_path / "t.yaml", table, **options)
    with pytest.raises(RecipeError, match=words) as refused:
        train(recipe, tmp_path / "mine")
    assert refused.value.where.startswith(f"{recipe}:")
