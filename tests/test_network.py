"""Backbone and head as one network, whose evidence adds up to its answer."""

import pytest
import torch

from diascope.network import Network, build_head
from diascope.plugin_creation import make_backbone
from tests.explain.networks import set_batch_statistics


@pytest.mark.parametrize("head", ["linear", "conv"])
@pytest.mark.parametrize(
    ("backbone", "parameters"),
    [
        ("convnet", {"layers": [{"conv": {"filters": 8, "norm": "batch"}}, {"pool": {}}]}),
        ("resnet18", {}),
        ("densenet121", {}),
        ("efficientnet-lite0", {}),
        ("efficientnet-b0", {}),
    ],
)
def test_an_evidence_map_sums_to_its_logit_minus_the_bias(
    head: str, backbone: str, parameters: dict[str, object]
) -> None:
    torch.manual_seed(0)
    made = make_backbone(backbone, parameters)
    network = Network(made.build(), build_head(head, made.features, 3))
    torch.nn.init.normal_(network.head.bias)
    picture = torch.randn(2, 3, 64, 64)
    set_batch_statistics(network, picture)
    with torch.inference_mode():
        logits = network(picture)
        maps = network.head.maps(network.backbone(picture))
    residual = maps.double().sum((2, 3)) + network.head.bias.double() - logits.double()

    assert maps.shape[:2] == (2, 3)
    assert (maps.std((2, 3)) > 0).all()
    assert (residual.abs() / logits.abs().clamp_min(1e-3)).max() < 1e-4


@pytest.mark.parametrize("head", ["linear", "conv"])
def test_all_weights_of_a_head_are_trained(head: str) -> None:
    layer = build_head(head, 5, 2, dropout=0.0)
    layer(torch.randn(3, 5, 4, 4)).square().sum().backward()

    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())
