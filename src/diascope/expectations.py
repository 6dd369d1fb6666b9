"""What the checks for plugin authors expect of samples, predictions and pickling."""

import math
import pickle
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from diascope import contracts
from diascope.card import ModelCard
from diascope.contract_checks import answer_fault, sample_fault
from diascope.errors import reason_of
from diascope.sample import Prediction, Sample


class ContractError(AssertionError):
    """What a plugin does against its contract."""


def expect(truth: bool, expected: str, got: Any) -> None:
    if not truth:
        raise ContractError(f"expected {expected}, got {got!r}")


def expect_same(again: Sequence[Sample], samples: Sequence[Sample]) -> None:
    """Compare the samples of ``read_from`` with those of ``read``."""
    got, frames = ([each.frame for each in some] for some in (again, samples))
    expect(got == frames, f"the frames {frames} from read_from", got)
    for one, other in zip(again, samples, strict=True):
        same = np.array_equal(one.pixels, other.pixels) and one.region == other.region
        expect(same, f"frame {other.frame} of read_from to equal that of read", one)


def expect_sample(sample: Any) -> None:
    if fault := sample_fault(sample):
        raise ContractError(f"not a Sample as the contract says: {fault}")
    low, high = sample.range
    inside = sample.pixels.min() >= low - 1e-6 and sample.pixels.max() <= high + 1e-6
    extremes = (sample.pixels.min(), sample.pixels.max())
    expect(bool(inside), f"pixels within {sample.range}", extremes)


def expect_answers(
    predictor: contracts.Predictor, samples: Sequence[Sample], card: ModelCard
) -> list[Prediction]:
    """Check a model's predictions of one batch of samples and return them."""
    answers = predictor.predict(samples)
    expect(isinstance(answers, Iterable), f"{len(samples)} predictions", answers)
    predictions = list(answers)
    expect(len(predictions) == len(samples), f"{len(samples)} predictions", len(predictions))
    for sample, prediction in zip(samples, predictions, strict=True):
        expect_answer(prediction, card)
        expect(prediction.item == sample.item, "predictions in order", prediction.item)
        kept = prediction.trace[: len(sample.trace)] == sample.trace
        expect(kept, "the trace of its sample kept in front", prediction.trace)
        expect(prediction.region == sample.region, "its sample's region", prediction.region)
        expect(prediction.score_kind == card.score_kind, "the card's score kind", prediction)
    return predictions


def expect_answer(prediction: Any, card: ModelCard) -> None:
    if fault := answer_fault(prediction, card):
        raise ContractError(f"not a Prediction as contract and card say: {fault}")
    scores = prediction.scores
    expect(all(map(math.isfinite, scores.values())), "finite scores", scores)
    kind, numbers = prediction.score_kind, scores.values()
    inside = kind == "logit" or (min(numbers) >= 0 and max(numbers) <= 1 + 1e-6)
    expect(inside, f"scores from 0 to 1, as they are {kind}", scores)
    is_valid = kind != "softmax" or abs(sum(numbers) - 1) < 1e-3
    expect(is_valid, "scores that add up to 1, as they are softmax", scores)


def expect_picklable(value: Any, what: str) -> None:
    """Check that a plugin or its samples can travel to and from worker processes."""
    try:
        pickle.loads(pickle.dumps(value))
    except Exception as error:  # a plugin's class may raise anything
        message = f"expected {what} to be picklable, got {reason_of(error)}"
        raise ContractError(message) from error
