"""Novelty statistics of the training features, on other pictures."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from diascope.card import WEIGHTS_FILE, read_card
from diascope.plugin_creation import make_backbone
from diascope.training.novelty import FittedNovelty, fit_novelty
from tests.runs import Ended, rows, write_recipe
from tests.training.other_projects import begin
from tests.training.trainings import LAYERS, train, write_table, write_training

WIDTH = 96


def features(count: int, seed: int, *, common: int = 5) -> np.ndarray:
    """Return ``(count, WIDTH)`` features that vary in a few common ways, and a little in all."""
    mixing = np.random.default_rng(0).normal(size=(common, WIDTH))
    random = np.random.default_rng(seed)
    return 6 + random.normal(size=(count, common)) @ mixing + random.normal(size=(count, WIDTH)) / 4


def fitted(training: np.ndarray, validation: np.ndarray) -> FittedNovelty:
    novelty = fit_novelty(training, validation)
    assert novelty is not None
    return novelty


def flagged(novelty: FittedNovelty, others: np.ndarray) -> float:
    return float((novelty.statistics.novelties(others, novelty.limit) > 1).mean())


def test_few_pictures_like_those_of_the_training_lie_beyond_the_limit() -> None:
    novelty = fitted(features(800, 1), features(600, 2))

    assert flagged(novelty, features(2000, 3)) < 0.02


def test_features_that_vary_in_another_way_lie_beyond_the_limit() -> None:
    novelty = fitted(features(800, 1), features(600, 2))
    others = features(200, 3) + 2 * np.random.default_rng(4).normal(size=(200, WIDTH))

    assert flagged(novelty, others) == 1


def test_features_of_noise_lie_beyond_the_limit_however_small_they_are() -> None:
    novelty = fitted(features(800, 1), features(600, 2))
    small = np.random.default_rng(4).uniform(0, 0.01, size=(200, WIDTH))

    assert flagged(novelty, small) == 1


def test_a_picture_at_the_limit_stays_inside_in_an_engine_that_rounds_otherwise() -> None:
    validation = features(50, 2)  # so few that the farthest one sets the limit
    novelty = fitted(features(800, 1), validation)
    statistics, limit = novelty.statistics, novelty.limit
    inside, moved = (
        statistics.novelties(each, limit) for each in (validation, validation * 1.000003)
    )

    assert 1 - 2e-4 < inside.max() <= 1
    assert moved.max() > inside.max() * (1 + 1e-9)
    assert moved.max() <= 1


def test_the_directions_are_those_of_a_principal_component_analysis() -> None:
    from sklearn.decomposition import PCA

    training = features(800, 1)
    statistics = fitted(training, features(600, 2)).statistics
    known = PCA(64, svd_solver="full").fit(training)
    agreement = np.abs((statistics.directions[0, :5] * known.components_[:5]).sum(axis=1))
    variances = np.append(known.explained_variance_, known.noise_variance_) * 799 / 800

    assert statistics.directions.shape == (2, 64, WIDTH)
    assert agreement == pytest.approx(1, abs=1e-3)
    assert statistics.variances[0] == pytest.approx(variances, rel=1e-4)


def test_the_limit_says_what_lies_within() -> None:
    many, few = (fitted(features(800, 1), features(count, 2)).limit for count in (1000, 50))

    assert many.fitted_on == (
        "800 training pictures; 99.5 % of 1,000 validation pictures lie within"
    )
    assert few.fitted_on.endswith("all of 50 validation pictures lie within")


@pytest.mark.parametrize(
    ("training", "validation"),
    [(features(100, 1), features(19, 2)), (np.ones((100, WIDTH)), features(50, 2))],
    ids=["few validation pictures", "features that do not vary"],
)
def test_what_says_nothing_sets_no_limit(training: np.ndarray, validation: np.ndarray) -> None:
    assert fit_novelty(training, validation) is None


@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_a_training_leaves_a_limit_and_a_run_warns_beyond_it(
    command: Callable[..., Ended], tmp_path: Path
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    table = write_table(tmp_path / "pictures", ["red", "green", "blue"], pairs=20)
    train(write_training(tmp_path / "t.yaml", table, epochs=1, validation=0.3), tmp_path / "mine")
    limit = read_card(tmp_path / "mine").novelty
    assert limit is not None
    assert "validation pictures lie within" in limit.fitted_on
    with safe_open(tmp_path / "mine/model.safetensors", "numpy") as file:
        assert {name for name in file.keys() if name.startswith("novelty.")} == {  # noqa: SIM118
            "novelty.mean",
            "novelty.directions",
            "novelty.variances",
        }

    stripes = np.tile(np.uint8([0, 255]), (16, 8))[:, :, None].repeat(3, axis=2)
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    recipe = write_recipe(
        tmp_path / "run.yaml",
        tmp_path / "mine",
        preprocess=[{"resize": {"size": 16}}],
        report=["csv", "json"],
    )
    inputs = (tmp_path / "stripes.png", tmp_path / "pictures/0-00.png")
    assert command("run", recipe, *inputs, "-o", tmp_path / "out").code == 0
    marks = {
        row["item"]: row["out_of_distribution"] for row in rows(tmp_path / "out/predictions.csv")
    }
    assert marks == {"stripes.png": "true", "0-00.png": "false"}
    lines = (tmp_path / "out/predictions.jsonl").read_text().splitlines()
    warnings = {line["item"]: line["warnings"] for line in map(json.loads, lines)}
    assert "unlike the pictures that the model was trained on" in warnings["stripes.png"][0]
    assert warnings["0-00.png"] == []


def test_another_training_starts_from_weights_with_statistics(tmp_path: Path) -> None:
    backbone = make_backbone("convnet", {"layers": LAYERS})
    body = {f"backbone.{name}": value for name, value in backbone.build().state_dict().items()}
    novelty = fitted(features(800, 1), features(600, 2))
    save_file(body | novelty.tensors(), tmp_path / WEIGHTS_FILE)
    fresh = backbone.build()
    matched = begin(fresh, tmp_path)

    assert matched.share == 1
    assert all(bool((fresh.state_dict()[name[9:]] == value).all()) for name, value in body.items())
