"""Feature visualisation by activation maximisation."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from diascope.card import ModelCard
from diascope.explain.activation_maximisation import (
    FeatureVisualisation,
    _FourierImage,
    visualise_target,
)
from diascope.explain.targets import find_targets
from diascope.network import Network
from tests.explain.networks import make_batch, make_network

OUTPUTS = {"a": 0, "b": 1, "c": 2}
Visualise = Callable[..., FeatureVisualisation]


@pytest.fixture
def network() -> Network:
    return make_network()


@pytest.fixture
def visualise(network: Network, make_card: Callable[..., ModelCard]) -> Visualise:
    """Return a function that visualises a target of the network in a few steps."""
    card = make_card(mean=(0.5,) * 3, std=(0.25,) * 3)

    def visualise(name: str, seed: int = 0) -> FeatureVisualisation:
        batch = make_batch(32) / 4  # with the contrast of a photograph
        (target,) = find_targets(network, batch, OUTPUTS, [name])
        return visualise_target(network, batch, target, card, steps=24, seed=seed)

    return visualise


@pytest.mark.parametrize("name", ["label:b", "filter:3", "depth1:2"])
def test_a_visualisation_activates_its_target_more_than_a_random_picture(
    visualise: Visualise, name: str
) -> None:
    found = visualise(name)

    assert found.picture.shape == (32, 32, 3)
    assert found.response.strength > found.explained_response.strength
    assert found.steps == 24
    assert found.seconds > 0


def test_the_same_seed_gives_the_same_visualisation_and_another_does_not(
    visualise: Visualise,
) -> None:
    one, two, other = visualise("label:a"), visualise("label:a"), visualise("label:a", seed=1)

    assert np.array_equal(one.picture, two.picture)
    assert not np.array_equal(one.picture, other.picture)


def test_high_frequencies_are_weaker_than_low_ones(visualise: Visualise) -> None:
    grey = visualise("label:a").picture.mean(axis=2)
    heights = np.abs(np.fft.rfft2(grey - grey.mean()))

    assert heights[1:4, 1:4].mean() > 2 * heights[12:16, 12:16].mean()


def test_visualisation_leaves_no_hooks_and_no_gradients(
    visualise: Visualise, network: Network
) -> None:
    visualise("filter:0")

    assert all(not module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())


def test_torch_uses_one_thread_for_it_and_has_its_own_number_again(
    visualise: Visualise, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    render = _FourierImage.render

    def counted(self: _FourierImage) -> torch.Tensor:
        used.append(torch.get_num_threads())
        return render(self)

    monkeypatch.setattr(_FourierImage, "render", counted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        visualise("label:a")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(used) == {1}
