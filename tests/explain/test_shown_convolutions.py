"""The convolutions whose arithmetic the page shows."""

import pytest

from diascope.explain.call_trace import trace_calls
from diascope.explain.shown_convolutions import select_convolutions
from tests.explain.networks import make_batch, make_network


@pytest.mark.parametrize("name", ["resnet50", "efficientnet-lite0", "densenet121"])
def test_the_first_convolution_and_one_at_each_depth_are_chosen(name: str) -> None:
    calls = trace_calls(make_network(name).backbone, make_batch())
    chosen = select_convolutions(calls, 64)

    assert [call.outputs[2] for call in chosen] == [32, 16, 8, 4, 2]


def test_small_filters_go_before_large_ones() -> None:
    calls = trace_calls(make_network("efficientnet-lite0").backbone, make_batch())
    chosen = select_convolutions(calls, 64)

    assert [call.module.get_parameter("weight").shape[1] for call in chosen] == [3, 1, 1, 1, 1]
