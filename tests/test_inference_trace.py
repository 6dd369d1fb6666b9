"""The picture before and after each step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diascope.errors import ReadError
from diascope.inference_trace import apply_steps
from diascope.sample import Item, Region, Sample
from tests.fakes import step

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def halve(sample: Sample) -> Sample:
    return sample.changed(sample.pixels // 2, "halved")


def refuse(sample: Sample) -> Sample:
    raise ValueError("too dark")


def test_each_stage_has_its_picture_value_range_and_notes(
    make_sample: Callable[..., Sample],
) -> None:
    sample, stages = apply_steps(
        make_sample(PIXELS, trace=("read",)),
        [step("a", halve), step("b", halve)],
    )

    assert [stage.title for stage in stages] == ["as read from the file", "after a", "after b"]
    assert [stage.value_range for stage in stages] == [(0, 47), (0, 23), (0, 11)]
    assert [stage.notes for stage in stages] == [("read",), ("halved",), ("halved",)]
    assert sample.pixels is stages[-1].pixels


def test_a_step_that_fails_is_named_with_its_reason(make_sample: Callable[..., Sample]) -> None:
    with pytest.raises(ReadError, match="the step dim failed: ValueError: too dark"):
        apply_steps(make_sample(PIXELS), [step("dim", refuse)])


def test_a_step_that_gives_no_sample_is_named(make_sample: Callable[..., Sample]) -> None:
    def nothing(sample: Sample) -> Any:
        return None

    with pytest.raises(ReadError, match="the step dim failed: expected a Sample, got NoneType"):
        apply_steps(make_sample(PIXELS), [step("dim", nothing)])


def test_item_frame_facts_and_region_survive_a_step_that_drops_them(
    make_sample: Callable[..., Sample],
) -> None:
    def anew(sample: Sample) -> Sample:
        assert sample.facts == facts
        return Sample(Item("x", "/x"), sample.pixels)

    facts, region = {"view": "PA"}, Region(1, 2, 3, 4)
    read = make_sample(PIXELS, frame=2, facts=facts, region=region)
    found, _ = apply_steps(read, [step("once", anew), step("again", anew)])

    assert (found.item, found.frame, found.facts, found.region) == (read.item, 2, facts, region)
