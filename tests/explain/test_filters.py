"""Filters of the first layer, as pictures."""

import numpy as np
import torch

from diascope.explain.call_trace import trace_calls
from diascope.explain.filters import filter_picture, filter_responses, first_convolution
from tests.explain.networks import make_batch, make_network


def test_zero_is_mid_grey_and_the_largest_number_is_black_or_white() -> None:
    picture = filter_picture(torch.tensor([[[-2.0]], [[0.0]], [[2.0]]]))

    assert picture.tolist() == [[[0, 128, 255]]]


def test_a_filter_of_other_than_three_channels_is_grey() -> None:
    picture = filter_picture(torch.tensor([[[1.0, -1.0]], [[3.0, -3.0]]]))

    assert picture.tolist() == [[[255] * 3, [0] * 3]]


def test_filters_with_a_uniform_response_come_after_those_that_vary() -> None:
    call = first_convolution(trace_calls(make_network(), make_batch(16)))
    assert call is not None
    maps = np.full((8, 2, 2), -1, np.float32)
    maps[3] = 5
    maps[6, 0, 0] = 4
    maps[7, 0, 0] = 2

    assert [each.response.index for each in filter_responses(call, maps)][:3] == [6, 7, 0]
    assert [each.response.strength for each in filter_responses(call, maps)][:2] == [1, 0.5]
