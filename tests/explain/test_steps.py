"""The input of the network, captured."""

from collections.abc import Callable

import numpy as np
import torch

from diascope.card import ModelCard
from diascope.explain.steps import capture_network_input, network_input_stage
from tests.explain.networks import make_batch, make_network


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
