"""Paintings of what excites a part of a network."""

from collections.abc import Callable

import numpy as np
import pytest

from diascope.card import ModelCard
from diascope.explain.activation_maximisation import FeatureVisualisation, visualise_target
from diascope.explain.targets import find_targets
from diascope.network import Network
from tests.explain.networks import make_batch, make_network

OUTPUTS = {"a": 0, "b": 1, "c": 2}
Paint = Callable[..., FeatureVisualisation]


@pytest.fixture
def network() -> Network:
    return make_network()


@pytest.fixture
def paint(network: Network, make_card: Callable[..., ModelCard]) -> Paint:
    """Return a function that paints what a target of the network wants, in a few steps."""
    card = make_card(mean=(0.5,) * 3, std=(0.25,) * 3)

    def paint(name: str, seed: int = 0) -> FeatureVisualisation:
        batch = make_batch(32) / 4  # as pale as a photograph
        (target,) = find_targets(network, batch, OUTPUTS, [name])
        return visualise_target(network, batch, target, card, steps=24, seed=seed)

    return paint


@pytest.mark.parametrize("name", ["label:b", "filter:3", "depth1:2"])
def test_a_painting_excites_its_target_more_than_a_random_picture(paint: Paint, name: str) -> None:
    found = paint(name)

    assert found.picture.shape == (32, 32, 3)
    assert found.response.strength > found.explained_response.strength
    assert found.steps == 24
    assert found.seconds > 0


def test_the_same_seed_paints_the_same_and_another_does_not(paint: Paint) -> None:
    one, two, other = paint("label:a"), paint("label:a"), paint("label:a", seed=1)

    assert np.array_equal(one.picture, two.picture)
    assert not np.array_equal(one.picture, other.picture)


def test_fine_waves_are_fainter_than_coarse_ones(paint: Paint) -> None:
    grey = paint("label:a").picture.mean(axis=2)
    heights = np.abs(np.fft.rfft2(grey - grey.mean()))

    assert heights[1:4, 1:4].mean() > 2 * heights[12:16, 12:16].mean()


def test_painting_leaves_neither_hooks_nor_gradients(paint: Paint, network: Network) -> None:
    paint("filter:0")

    assert all(not module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())
