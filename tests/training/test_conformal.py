"""Prediction sets have their coverage on pictures that they were not fitted on."""

import numpy as np
import pytest
from scipy.special import softmax

from diascope.card import Label, ModelCard
from diascope.decision import prediction_set
from diascope.errors import RecipeError
from diascope.training.conformal import fit_conformal

NAMES = ("a", "b", "c")
Random = np.random.Generator


def drawn(random: Random, count: int) -> tuple[np.ndarray, np.ndarray]:
    logits = random.normal(0, 2, (count, 3))
    labels = [random.choice(3, p=shares) for shares in softmax(logits, axis=1)]
    return np.eye(3)[labels], softmax(logits * 1.7, axis=1)  # too sure of themselves


def card(conformal: dict[str, float]) -> ModelCard:
    labels = tuple(Label(name) for name in NAMES)
    numbers = {"size": (8, 8), "mean": (0.5,), "std": (0.5,)}
    return ModelCard(
        "m",
        "multiclass",
        labels,
        backbone="b",
        score_kind="softmax",
        conformal=conformal,
        **numbers,
    )


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_coverage_on_new_pictures_is_what_was_promised(random: Random, coverage: float) -> None:
    shares = []
    for _ in range(40):
        model = card(fit_conformal(*drawn(random, 400), 400))
        targets, scores = drawn(random, 400)
        sets = [
            prediction_set(dict(zip(NAMES, row, strict=True)), model, coverage) for row in scores
        ]
        truth = [NAMES[label] for label in targets.argmax(axis=1)]
        shares.append(np.mean([name in held for name, held in zip(truth, sets, strict=True)]))

    assert np.mean(shares) == pytest.approx(coverage, abs=0.01)


def test_the_threshold_is_the_quantile_of_the_paper() -> None:
    scores = np.linspace(0.01, 0.99, 99)[:, None] * [1, 0, 0]
    targets = np.tile([1.0, 0, 0], (99, 1))

    found = fit_conformal(targets, scores, 99)
    assert found["0.9"] == pytest.approx(0.10)  # 90 of 99 lie from there


def test_ten_pictures_promise_ninety_percent_and_no_more() -> None:
    assert set(fit_conformal(np.eye(3)[[0] * 10], np.full((10, 3), 1 / 3), 10)) == {
        "0.8",
        "0.85",
        "0.9",
    }


def test_a_set_is_never_empty() -> None:
    scores = dict(zip(NAMES, (0.4, 0.3, 0.3), strict=True))

    assert prediction_set(scores, card({"0.9": 0.5}), 0.9) == ("a",)


def test_a_coverage_that_was_not_fitted_is_refused_with_those_that_were() -> None:
    with pytest.raises(RecipeError, match=r"coverage 0.5(.|\n)*It has 0.9"):
        prediction_set(dict.fromkeys(NAMES, 0.3), card({"0.9": 0.5}), 0.5)
