"""Calibration, compared with scikit-learn and on data whose answer is known."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression

from diascope.training.calibrate import calibration_shortage, fit_calibration

Random = np.random.Generator


def one_hot(labels: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count)[labels]


def test_a_temperature_and_biases_that_were_put_in_are_found_again(random: Random) -> None:
    true = random.normal(0, 2, (20_000, 3))
    labels = np.array([random.choice(3, p=shares) for shares in softmax(true, axis=1)])
    shift = np.array([1.0, 0.0, -1.0])
    logits = (true - shift) * 2.5  # too sure by 2.5, and each label shifted

    found = fit_calibration(logits, one_hot(labels, 3), "multiclass", "made up")

    assert found is not None
    assert found.scale == pytest.approx((0.4,) * 3, rel=0.05)
    assert found.bias == pytest.approx(shift, abs=0.1)


def test_platt_scaling_is_logistic_regression_on_platts_targets_for_each_label(
    random: Random,
) -> None:
    logits = random.normal(0, 3, (500, 2))
    targets = (random.random((500, 2)) < expit(logits * [0.5, 1.5] + [1, -1])).astype(float)

    found = fit_calibration(logits, targets, "multilabel", "")

    assert found is not None
    for place in range(2):
        positive = targets[:, place] == 1
        count = positive.sum()
        aims = np.where(positive, (count + 1) / (count + 2), 1 / (500 - count + 2))
        both = np.tile(logits[:, [place]], (2, 1)), np.repeat([1, 0], 500)
        peer = LogisticRegression(C=np.inf).fit(*both, np.concatenate([aims, 1 - aims]))
        assert found.scale[place] == pytest.approx(peer.coef_[0, 0], rel=1e-3)
        assert found.bias[place] == pytest.approx(peer.intercept_[0], abs=1e-3)


def test_logits_that_differ_by_rounding_alone_make_no_slope() -> None:
    targets = (np.arange(100) % 4 == 0)[:, None].astype(float)
    logits = -0.35 + 1e-7 * targets

    found = fit_calibration(logits, targets, "binary", "")

    assert found is not None
    assert found.scale == (1.0,)
    assert expit(logits + found.bias[0]) == pytest.approx(0.25, abs=0.01)


def test_unknown_targets_are_left_out(random: Random) -> None:
    logits, targets = random.normal(0, 1, (200, 1)), (random.random((200, 1)) < 0.5).astype(float)
    masked = np.concatenate([targets, np.full((50, 1), np.nan)])
    more = np.concatenate([logits, np.full((50, 1), 99.0)])

    assert fit_calibration(more, masked, "multilabel", "") == fit_calibration(
        logits, targets, "multilabel", ""
    )


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_a_scarce_label_gets_a_bias_that_makes_its_mean_score_its_share(
    random: Random, task: str
) -> None:
    targets = np.zeros((100, 1))
    targets[:9] = 1
    logits = random.normal(2, 1, (100, 1))

    found = fit_calibration(logits, targets, task, "")  # type: ignore[arg-type]
    assert found is not None
    scores = 1 / (1 + np.exp(-(logits * found.scale[0] + found.bias[0])))
    assert scores.mean() == pytest.approx(0.09, abs=1e-4)


@pytest.mark.parametrize(("times", "slope"), [(1, 1.0), (3, 0.4)])
def test_scores_of_a_scarce_label_that_are_too_sure_become_less_so(
    random: Random, times: float, slope: float
) -> None:
    targets, slopes = (np.arange(200) < 9).astype(float), []
    for _ in range(50):
        true = 2 * (random.normal(0, 1, 200) + 2 * targets - 1) + np.log(9 / 191)
        found = fit_calibration(times * true[:, None], targets[:, None], "binary", "")
        assert found is not None
        slopes.append(found.scale[0])

    assert np.median(slopes) == pytest.approx(slope, rel=0.25)


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_two_pictures_of_a_label_are_too_few(task: str) -> None:
    targets = np.zeros((100, 1))
    targets[:2] = 1

    assert fit_calibration(np.zeros((100, 1)), targets, task, "") is None  # type: ignore[arg-type]


def separated(random: Random, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits of two kinds that do not overlap, though others of their kind would."""
    targets = np.repeat([1.0, 0.0], count)
    return np.sort(random.normal(0, 1, 2 * count))[::-1] + (2 * targets - 1) * 2, targets


def test_pictures_without_a_mistake_make_no_probability_of_0_or_1(random: Random) -> None:
    logits, targets = separated(random, 12)

    found = fit_calibration(logits[:, None], targets[:, None], "binary", "")
    assert found is not None
    scores = expit(logits * found.scale[0] + found.bias[0])
    assert scores[targets == 1].mean() == pytest.approx(13 / 14, abs=0.01)
    assert scores[targets == 0].mean() == pytest.approx(1 / 14, abs=0.01)
    assert scores.max() < 0.999

    many = fit_calibration(
        np.stack([logits, -logits], 1), one_hot((targets == 0).astype(int), 2), "multiclass", ""
    )
    assert many is not None
    assert many.scale[0] < 3


def test_the_unit_of_logits_does_not_matter(random: Random) -> None:
    logits, targets = separated(random, 12)
    scales = []
    for unit in (0.1, 1, 5, 20, 1000):
        found = fit_calibration(logits[:, None] * unit, targets[:, None], "binary", "")
        assert found is not None
        scales.append(found.scale[0] * unit)

    assert scales == pytest.approx([scales[0]] * 5, rel=1e-3)


def test_a_scarce_label_gets_the_bias_that_the_training_leads_to_expect(random: Random) -> None:
    labels = np.append(random.integers(0, 2, 2000), [2, 2])
    targets, shift = one_hot(labels, 3), np.array([0.1, 0.2, -3])
    logits = random.normal(0, 1, (2002, 3)) + targets - [0, 0, 7]

    plain = fit_calibration(logits, targets, "multiclass", "")
    shifted = fit_calibration(logits - shift, targets, "multiclass", "", shift=shift)
    assert plain is not None
    assert shifted is not None
    assert shifted.scale == pytest.approx(plain.scale, rel=0.02)
    gaps = np.subtract(shifted.bias, plain.bias)
    assert gaps - gaps[0] == pytest.approx(shift - shift[0], abs=0.1)


def test_pictures_of_one_label_calibrate_nothing(random: Random) -> None:
    logits, targets = random.normal(0, 1, (100, 3)), one_hot(np.append([0] * 98, [1, 2]), 3)

    assert fit_calibration(logits, targets, "multiclass", "") is None
    told = calibration_shortage(targets, ["a", "b", "c"], "multiclass")
    assert told == "3 validation pictures of two labels are needed"


@pytest.mark.parametrize("rare", [0, 2])
def test_a_label_without_pictures_gets_no_bias_however_many_the_others_have(
    random: Random, rare: int
) -> None:
    labels = np.append(random.integers(0, 2, 2000), np.full(rare, 2))
    logits = random.normal(0, 1, (2000 + rare, 3)) + one_hot(labels, 3)

    found = fit_calibration(logits, one_hot(labels, 3), "multiclass", "")
    assert found is not None
    assert found.bias[2] == 0
    assert found.bias[0] == pytest.approx(-found.bias[1])
    assert np.abs(found.bias).max() < 0.2
