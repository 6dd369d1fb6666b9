"""The filters of a layer that the page shows, and the initial position."""

import numpy as np

from diascope.explain.convolution import Convolution
from diascope.explain.explanation import ExplainedLayer
from diascope.explain.inspector import layer_numbers
from diascope.explain.unit_functions import UnitFunctions


def make_layer() -> ExplainedLayer:
    """Return a layer of three filters of 1 x 1 with ReLU6.

    The response of the second is 5 everywhere, from its shift; the first and third saturate at 6.
    """
    ramp = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    weight = np.array([0.5, 0, 1], np.float32).reshape(3, 1, 1, 1)
    output = ramp * weight[:, :, 0]
    scale, shift = np.ones(3, np.float32), np.array([0, 5, 0], np.float32)
    activated = np.clip(output + shift[:, None, None], 0, 6)
    convolution = Convolution(
        weight, np.zeros(3, np.float32), (1, 1), (0, 0), (1, 1), 1, False, ramp, output
    )
    return ExplainedLayer(
        "Layer 1", convolution, UnitFunctions(scale, shift, "ReLU6", activated, None, None)
    )


def test_a_filter_with_a_uniform_response_comes_last_however_strong_it_is() -> None:
    assert [each["index"] for each in layer_numbers(make_layer())["filters"]] == [0, 2, 1]


def test_the_initial_position_has_the_largest_sum_even_if_the_nonlinearity_saturates() -> None:
    assert layer_numbers(make_layer())["peak"] == (3, 3)


def test_a_negative_scale_makes_the_smallest_sum_the_peak() -> None:
    layer = make_layer()
    assert layer.functions.scale is not None
    layer.functions.scale[:] = -1

    assert layer_numbers(layer)["peak"] == (0, 0)
