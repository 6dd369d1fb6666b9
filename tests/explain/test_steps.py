"""The picture before and after each step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from diascope.card import ModelCard
from diascope.errors import ReadError
from diascope.explain.steps import (
    apply_steps,
    capture_network_input,
    network_input_stage,
)
from diascope.sample import Item, Region, Sample
from tests.explain.networks import make_batch, make_network

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def halve(sample: Sample) -> Sample:
    return sample.changed(sample.pixels // 2, "halved")


def refuse(sample: Sample) -> Sample:
    raise ValueError("too dark")


def test_each_stage_has_its_picture_value_range_and_notes(
    make_sample: Callable[..., Sample],
) -> None:
    sample, stages = apply_steps(make_sample(PIXELS, trace=("read",)), [("a", halve), ("b", halve)])

    assert [stage.title for stage in stages] == ["as read from the file", "after a", "after b"]
    assert [stage.value_range for stage in stages] == [(0, 47), (0, 23), (0, 11)]
    assert [stage.notes for stage in stages] == [("read",), ("halved",), ("halved",)]
    assert sample.pixels is stages[-1].pixels


def test_a_step_that_fails_is_named_with_its_reason(make_sample: Callable[..., Sample]) -> None:
    with pytest.raises(ReadError, match="the step dim failed: ValueError: too dark"):
        apply_steps(make_sample(PIXELS), [("dim", refuse)])


def test_a_step_that_gives_no_sample_is_named(make_sample: Callable[..., Sample]) -> None:
    def nothing(sample: Sample) -> Any:
        return None

    with pytest.raises(ReadError, match="the step dim failed: expected a Sample, got NoneType"):
        apply_steps(make_sample(PIXELS), [("dim", nothing)])


def test_item_frame_facts_and_region_survive_a_step_that_drops_them(
    make_sample: Callable[..., Sample],
) -> None:
    def anew(sample: Sample) -> Sample:
        assert sample.facts == facts
        return Sample(Item("x", "/x"), sample.pixels)

    facts, region = {"view": "PA"}, Region(1, 2, 3, 4)
    read = make_sample(PIXELS, frame=2, facts=facts, region=region)
    found, _ = apply_steps(read, [("once", anew), ("again", anew)])

    assert (found.item, found.frame, found.facts, found.region) == (read.item, 2, facts, region)


def test_the_last_stage_is_the_input_of_the_network(
    make_card: Callable[..., ModelCard],
) -> None:
    network, batch = make_network(), make_batch()
    logits, seen = capture_network_input(network, lambda: network(batch)[0])
    stage = network_input_stage(seen, make_card())

    assert torch.equal(logits, network(batch)[0])
    assert np.array_equal(stage.pixels, batch[0].permute(1, 2, 0).numpy())
    assert not network.backbone._forward_hooks


def test_a_small_standard_deviation_is_not_rounded_to_0(
    make_card: Callable[..., ModelCard],
) -> None:
    card = make_card(mean=(0.5,) * 3, std=(0.00048828125,) * 3)
    (note,) = network_input_stage(make_batch(), card).notes

    assert "divided by the standard deviation (0.0004883, 0.0004883, 0.0004883)" in note


def test_the_captured_input_allows_gradients() -> None:
    network = make_network()
    with torch.inference_mode():
        batch = make_batch().clone()

        def answer() -> torch.Tensor:
            with torch.inference_mode():
                return network(batch)

    _, seen = capture_network_input(network, answer)

    assert not seen.is_inference()
