"""What a small training cannot have is said before it begins, on its page and in its card."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diascope.recipe import read_recipe
from diascope.training.calibrate import calibration_shortage, fit_calibration
from diascope.training.conformal import fewest_groups, fit_conformal
from diascope.training.make_plan import make_plan
from diascope.training.shortages import find_shortages
from tests.training.strips import ENTRY_POINTS, SOURCE, write_attention, write_strips
from tests.training.trainings import COLOURS, train, with_splits, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


def test_what_is_lacking_is_told_with_its_numbers_on_all_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = with_splits(write_table(tmp_path / "pictures", list(COLOURS)))
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, limits=["Only for colours."])
    card = train(recipe, tmp_path / "mine")
    told = capsys.readouterr().out
    lacking = [
        "cores are not calibrated (3 groups of validation pictures, 5 are needed)",
        "o prediction sets of coverage 0.9 (3 groups of validation pictures, 9 are needed)",
        "o novelty limit (6 validation pictures, 20 are needed)",
    ]
    page = (tmp_path / "mine" / "training.html").read_text()
    assert all(each in told and each in page for each in lacking)
    assert "raise `validation`, or give more rows that split" in told
    assert card.limits[0] == "Only for colours."
    assert [limit[1:-1] for limit in card.limits[1:]] == lacking
    assert (card.score_kind, card.calibration, card.novelty) == ("softmax", None, None)
    assert "0.9" not in card.conformal


def test_a_training_with_enough_pictures_lacks_nothing(tmp_path: Path) -> None:
    table = write_table(tmp_path / "pictures", list(COLOURS))
    recipe = write_training(tmp_path / "t.yaml", table, validation=0.5)
    assert find_shortages(make_plan(read_recipe(str(recipe)))) == []


def test_the_novelty_of_whole_items_is_that_of_their_regions_of_which_there_are_enough(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install("strip_plugin", ENTRY_POINTS, strip_plugin=SOURCE)
    recipe = write_attention(tmp_path / "t.yaml", write_strips(tmp_path / "strips"))
    plan = make_plan(read_recipe(str(recipe)))
    assert len(plan.split("validation")) < 20
    assert find_shortages(plan) == []


@pytest.mark.parametrize(("having", "lacking"), [(2, 9), (9, 2), (3, 3), (0, 4)])
def test_a_shortage_is_told_exactly_if_nothing_can_be_fitted(having: int, lacking: int) -> None:
    targets = np.array([[1.0]] * having + [[0.0]] * lacking + [[np.nan]])
    fitted = fit_calibration(np.zeros_like(targets), targets, "binary", "")
    assert (calibration_shortage(targets, ["x"], "binary") == "") == (fitted is not None)


def test_a_shortage_names_the_labels(tmp_path: Path) -> None:
    targets = np.array([[1.0, 1.0]] * 2 + [[0.0, 1.0]] * 9)
    told = "of the validation pictures, 2 with a, 0 without b; 3 are needed"
    assert calibration_shortage(targets, ["a", "b"], "multilabel") == told


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95, 0.99])
def test_the_fewest_groups_of_a_coverage_are_just_enough(coverage: float) -> None:
    fewest = fewest_groups(coverage)
    found = [fit_conformal(np.ones((999, 1)), np.ones((999, 1)), n) for n in (fewest - 1, fewest)]
    assert [f"{coverage:g}" in each for each in found] == [False, True]
