"""Networks with randomised weights."""

import pytest
import torch

from diascope.explain.weight_randomisation import randomise_layers
from tests.explain.networks import make_batch, make_network

SHARES = (0.0, 0.5, 1.0)


@pytest.mark.parametrize("name", ["convnet", "resnet18"])
def test_more_layers_are_randomised_from_the_top_and_the_original_is_unchanged(name: str) -> None:
    network = make_network(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    changed = []
    for copy in randomise_layers(network, make_batch(), SHARES, seed=0):
        state = copy.state_dict()
        changed.append({key for key in before if not torch.equal(state[key], before[key])})

    assert all(torch.equal(value, network.state_dict()[key]) for key, value in before.items())
    assert "head.linear.weight" in changed[0]
    assert all(name.startswith("head.") for name in changed[0])
    assert changed[0] < changed[1] < changed[2]
    first = next(key for key in before if before[key].ndim == 4)
    assert first not in changed[1]
    assert first in changed[2]


def test_a_randomised_layer_keeps_its_weights_in_another_order() -> None:
    network = make_network()
    (copy,) = randomise_layers(network, make_batch(), (0.0,), seed=0)
    ours, theirs = (each.head.linear.weight.flatten() for each in (network, copy))

    assert torch.equal(ours.sort().values, theirs.sort().values)


def test_the_same_seed_gives_the_same_order() -> None:
    one, two = (
        next(randomise_layers(make_network(), make_batch(), (1.0,), seed=3)) for _ in range(2)
    )

    assert all(
        torch.equal(a, b)
        for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
