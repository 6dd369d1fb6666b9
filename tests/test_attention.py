"""Aggregation by attention gives the same answer as the head applied to the whole item."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from diascope.card import Calibration, Label, ModelCard, Task
from diascope.classifier import Classifier, load_classifier
from diascope.contracts import Runtime
from diascope.decision import scores_from_logits
from diascope.network import AttentionHead
from diascope.plugin_creation import make_backbone
from diascope.records import pack_record, unpack_record
from diascope.sample import Item, Prediction, Region, Sample

ITEM = Item("whole", "/whole")
LABELS = (Label("a"), Label("b"), Label("c"))
TASKS: list[tuple[Task, tuple[Label, ...]]] = [
    ("binary", LABELS[:2]),
    ("multiclass", LABELS),
    ("multilabel", LABELS),
]


@pytest.fixture
def make(
    make_card: Callable[..., ModelCard], make_weights: Callable[..., tuple[Path, ModelCard]]
) -> Callable[..., Classifier]:
    """Return a function that makes a classifier with an attention head and random weights."""

    def make(task: Task = "multiclass", labels: Sequence[Label] = LABELS) -> Classifier:
        kind = "softmax" if task == "multiclass" else "sigmoid"
        card = make_card(task=task, labels=labels, head="attention", score_kind=kind)
        directory, card = make_weights(card, name=task)
        loaded = load_classifier(directory, card, Runtime("cpu", "predicted", make_backbone))
        with torch.no_grad():
            for weights in loaded.network.head.parameters():
                weights.mul_(6)  # regions are to differ in weight
        return loaded

    return make


def regions(count: int) -> list[Sample]:
    chance = np.random.default_rng(3)
    return [
        Sample(
            ITEM,
            chance.integers(0, 256, (8, 8, 1)).astype(np.uint8),
            frame=place,
            region=Region(8 * place, 0, 8, 8),
        )
        for place in range(count)
    ]


def answer_of_the_head(classifier: Classifier, samples: Sequence[Sample]) -> np.ndarray:
    """Return the scores of head and card for the whole item, in double precision."""
    network, card = classifier.network.double(), classifier.card
    assert isinstance(network.head, AttentionHead)
    units = np.stack([sample.unit() for sample in samples]).astype(float)
    pictures = torch.from_numpy(np.moveaxis((units - card.mean) / card.std, 3, 1))
    with torch.inference_mode():
        logits = network.head.item_logits(network.backbone(pictures).mean((2, 3)))
    network.float()
    return scores_from_logits(logits[None].numpy(), card)[0]


@pytest.mark.parametrize(("task", "labels"), TASKS)
@pytest.mark.parametrize("calibrated", [False, True])
def test_the_weighted_answers_of_regions_equal_the_heads_for_the_item(
    make: Callable[..., Classifier], task: Task, labels: tuple[Label, ...], calibrated: bool
) -> None:
    classifier = make(task, labels)
    if calibrated:
        outputs = classifier.card.outputs
        scale = (0.7,) * 3 if task == "multiclass" else (0.7, 1.3, 0.4)
        calibration = Calibration("platt", scale[:outputs], (0.5, -0.2, 0.1)[:outputs])
        card = replace(classifier.card, calibration=calibration, score_kind="probability")
        classifier = replace(classifier, card=card)
    samples = regions(9)
    predictions = classifier.predict(samples)
    answer = classifier.aggregate(ITEM, iter(predictions))
    wanted = answer_of_the_head(classifier, samples)

    shares = np.exp([each.attention for each in predictions])  # type: ignore[misc]
    assert shares.max() > 1.5 * shares.min()
    assert list(answer.scores.values()) == pytest.approx(wanted, abs=1e-6)
    assert answer.score_kind == ("probability" if calibrated else classifier.card.score_kind)
    assert answer.trace[-1] == "9 regions aggregated by attention"
    assert (answer.samples, answer.attention) == (9, None)


@pytest.mark.parametrize("aggregation", ["card", "max"])
def test_the_answer_tells_the_weight_of_each_region(
    make: Callable[..., Classifier], aggregation: Literal["card", "max"]
) -> None:
    classifier = replace(make(), aggregation=aggregation)
    predictions = classifier.predict(regions(9))
    shares = np.exp([each.attention for each in predictions])  # type: ignore[misc]
    told = classifier.aggregate(ITEM, iter(predictions)).regions

    assert told is not None
    assert told.attention is not None
    assert told.attention.dtype == np.float32
    assert told.attention.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(told.attention, shares / shares.sum(), rtol=1e-5)


def test_the_order_of_the_regions_and_a_constant_in_their_attention_change_nothing(
    make: Callable[..., Classifier],
) -> None:
    classifier = make()
    predictions = classifier.predict(regions(7))
    shifted = [replace(each, attention=(each.attention or 0) + 900) for each in predictions]
    random.Random(0).shuffle(shifted)
    one, other = (classifier.aggregate(ITEM, iter(each)) for each in (predictions, shifted))
    assert list(one.scores.values()) == pytest.approx(list(other.scores.values()), abs=1e-9)


def test_the_region_that_is_shown_is_the_one_that_weighs_most(
    make: Callable[..., Classifier],
) -> None:
    classifier = make()
    predictions = classifier.predict(regions(7))
    answer = classifier.aggregate(ITEM, iter(predictions))
    heaviest = max(predictions, key=lambda each: each.attention or 0)
    assert answer.region == heaviest.region
    assert answer.evidence[0].residual < 1e-4


def test_the_mean_can_be_requested_and_is_not_calibrated(
    make: Callable[..., Classifier],
) -> None:
    classifier = make("binary", LABELS[:2])
    card = replace(
        classifier.card,
        calibration=Calibration("platt", (1.0,), (0.0,)),
        score_kind="probability",
    )
    classifier = replace(classifier, card=card, aggregation="mean")
    predictions = classifier.predict(regions(5))
    answer = classifier.aggregate(ITEM, iter(predictions))
    assert answer.scores["b"] == pytest.approx(np.mean([each.scores["b"] for each in predictions]))
    assert answer.score_kind == "sigmoid"


def test_scores_at_the_end_of_their_range_do_not_overflow(make: Callable[..., Classifier]) -> None:
    rows = [(1.0, 0.0), (0.0, 1.0)]
    classifier = make("multilabel", LABELS[:2])
    sure = [
        Prediction(ITEM, dict(zip("ab", row, strict=True)), "sigmoid", (), attention=float(place))
        for place, row in enumerate(rows)
    ]
    scores = classifier.aggregate(ITEM, iter(sure)).scores
    assert all(0 <= score <= 1 for score in scores.values())


def test_attention_survives_serialisation_bit_for_bit(
    make: Callable[..., Classifier],
) -> None:
    (prediction,) = make().predict(regions(1))
    back = unpack_record(ITEM, pack_record(prediction, lossless=True))
    assert isinstance(back, Prediction)
    assert back.attention == prediction.attention is not None


def test_all_weights_of_an_attention_head_are_trained() -> None:
    head = AttentionHead(5, 2)
    head.item_logits(torch.randn(9, 5)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())
