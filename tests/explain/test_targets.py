"""Labels, filters and channels by their names on the page."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.errors import UsageError
from diascope.explain.explanation import explain
from diascope.explain.targets import Response, find_targets, record_outputs
from diascope.network import Network, build_head
from tests.explain.networks import make_batch, make_network

OUTPUTS = {"a": 0, "b": 1, "c": 2}


def responses(backbone: str, *names: str) -> list[Response]:
    network, batch = make_network(backbone), make_batch()
    targets = find_targets(network, batch, OUTPUTS, names)
    with torch.no_grad():
        _, seen = record_outputs(targets, lambda: network(batch))
    return [target.response(seen) for target in targets]


@pytest.mark.parametrize("backbone", ["convnet", "efficientnet-lite0", "resnet18"])
def test_the_responses_of_a_filter_and_a_channel_equal_those_on_the_page(backbone: str) -> None:
    found = explain(make_network(backbone), make_batch(), OUTPUTS, "a", occlusion=False)
    response = found.filters[2].response
    depth = found.depths[-1]
    channel = depth.strongest[1]
    names = (f"filter:{response.index}", f"depth{depth.halvings}:{channel.index}")
    filter_, deep = responses(backbone, *names)

    assert filter_.strength == pytest.approx(response.strength, rel=1e-4)
    assert filter_.peak == pytest.approx(float(response.map.max()), rel=1e-4)
    assert deep.strength == pytest.approx(channel.strength, rel=1e-4)


def test_the_response_of_a_label_is_its_logit() -> None:
    (found,) = responses("convnet", "label:b")
    logit = float(make_network()(make_batch())[0, 1].detach())

    assert found == (pytest.approx(logit), pytest.approx(logit))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("label:d", "Allowed: a, b, c"),
        ("filter:8", "filter:0 to filter:7"),
        ("depth9:0", "depth1:0 to depth1:"),
        ("filter:-1", "label:NAME"),
        ("magic", "label:NAME"),
    ],
)
def test_an_unknown_target_is_refused_with_a_list_of_known_ones(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_targets(make_network(), make_batch(), OUTPUTS, [name])

    assert repr(name) in caught.value.message
    assert hint in caught.value.hint


class Patches(nn.Module):
    """A backbone whose layers process rows of numbers and not maps."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(48, 5)

    def forward(self, batch: Tensor) -> Tensor:
        patches = functional.unfold(batch, 4, stride=4).transpose(1, 2)
        cells: Tensor = self.line(patches).relu().transpose(1, 2)
        return cells.reshape(len(batch), 5, batch.shape[2] // 4, -1)


def test_a_backbone_without_layers_of_maps_still_has_channel_targets() -> None:
    network = Network(Patches(), build_head("linear", 5, 3)).eval()
    (target,) = find_targets(network, make_batch(), OUTPUTS, ["depth2:4"])
    with torch.no_grad():
        features, seen = record_outputs([target], lambda: network.backbone(make_batch()))

    assert target.response(seen).strength == pytest.approx(float(features[0, 4].mean()))


def test_a_target_that_is_named_twice_is_returned_once() -> None:
    names = ["filter:1", "label:a", "filter:1"]
    found = find_targets(make_network(), make_batch(), OUTPUTS, names)

    assert [target.name for target in found] == names[:2]
