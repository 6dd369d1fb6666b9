"""The comparison of an engine's answers with the reference's."""

import math
from dataclasses import replace

import numpy as np
import pytest

from diascope.card import Label, ModelCard, NoveltyLimit
from diascope.engines.outputs import Outputs
from diascope.novelty import FeatureStatistics
from diascope.parity import Parity, combine_parities, compare_outputs
from tests.engines.networks import classifier


def outputs(*logits: float) -> Outputs:
    column = np.array(logits, np.float32)[:, None]
    return Outputs(column, column[:, :, None, None], column[0], column, None)


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        name="small",
        task="multilabel",
        labels=(Label("a", operating_point=0.5),),
        size=(8, 8),
        backbone="convnet",
        mean=(0.5,),
        std=(0.5,),
        score_kind="sigmoid",
    )


def test_shifts_of_scores_and_flipped_decisions_are_counted(card: ModelCard) -> None:
    shifted = compare_outputs(outputs(1.0), outputs(1.1), card)
    assert (shifted.change, shifted.flips) == (pytest.approx(0.0192, abs=1e-4), 0)
    assert compare_outputs(outputs(0.001, 0.001, 3), outputs(-0.001, -0.002, 3), card).flips == 2
    assert compare_outputs(outputs(1.0), outputs(math.nan), card).change == math.inf


def test_maps_of_another_size_are_never_within_the_tolerance(card: ModelCard) -> None:
    right = outputs(1.0)
    other = replace(right, maps=right.maps.repeat(2, axis=3) / 2)
    assert compare_outputs(right, other, card).change == math.inf


def test_only_what_moves_little_and_flips_nothing_is_within_the_tolerance() -> None:
    assert Parity(0.01).within(0.01)
    assert not Parity(0.011).within(0.01)
    assert not Parity(0.0, flips=1).within(0.01)
    assert not Parity(0.0, warnings=1).within(0.01)


def test_combined_parity_has_the_largest_change_and_the_sum_of_flips() -> None:
    found = combine_parities([Parity(0.1, 1), Parity(0.3), Parity(0.2, 2, 1)])
    assert found == Parity(0.3, 3, 1)
    assert str(found) == "moves a score by 0.3, flips 3 decisions and a warning"
    assert str(Parity(0, 0, 2)) == "moves a score by 0, flips 2 warnings"
    assert str(Parity(0.012)) == "moves a score by 0.012"
    assert str(Parity(math.inf)) == "gives values that are not numbers, or maps of another size"


def test_the_shares_of_regions_count_like_scores() -> None:
    _, card = classifier("convnet", "attention")
    logits = np.zeros((2, 3), np.float32)
    rest = logits[:, :, None, None], logits[0], logits
    even, tilted = (np.array(each, np.float32) for each in ([0, 0], [0, 0.4]))
    found = compare_outputs(Outputs(logits, *rest, even), Outputs(logits, *rest, tilted), card)
    assert found.change == pytest.approx(1 / (1 + math.exp(-0.4)) - 0.5, abs=1e-6)


@pytest.mark.parametrize("name", ["maps", "pooled", "attention"])
def test_values_that_are_not_numbers_are_refused_wherever_they_occur(
    card: ModelCard, name: str
) -> None:
    right = replace(outputs(1.0, 2.0), attention=np.zeros(2, np.float32))
    broken = replace(right, **{name: getattr(right, name) * np.float32(math.nan)})
    assert compare_outputs(right, broken, card) == Parity(math.inf)


def test_a_novelty_warning_from_only_one_engine_is_counted(
    card: ModelCard,
) -> None:
    mean, directions = np.zeros((2, 1), np.float32), np.zeros((2, 0, 1), np.float16)
    statistics = FeatureStatistics(mean, directions, np.ones((2, 1), np.float32))
    card = replace(card, novelty=NoveltyLimit((2.0, 2.0)))
    right = outputs(1.0, 3.0)
    found = [
        compare_outputs(
            right, replace(right, pooled=right.pooled * factor), card, statistics
        ).warnings
        for factor in (1.0, 0.5, 2.5)
    ]
    assert found == [0, 1, 1]
    assert compare_outputs(right, replace(right, pooled=right.pooled * 9), card).warnings == 0
