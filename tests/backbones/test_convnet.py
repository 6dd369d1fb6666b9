"""A convolutional network defined in the recipe, layer by layer."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from diascope.document import parse_document
from diascope.errors import RecipeError
from diascope.plugin_creation import make_backbone

TEXTBOOK = """
in_channels: 1
layers:
  - conv: {filters: 6, kernel: 5, padding: 2, activation: tanh}
  - pool: {kind: average, size: 2}
  - conv: {filters: 16, kernel: 5, padding: valid, activation: tanh}
  - pool: {kind: average, size: 2}
  - conv: {filters: 120, kernel: 5, padding: valid, activation: tanh}
"""


def backbone(text: str) -> Any:
    return make_backbone("convnet", parse_document(text, name="r.yaml").plain())


def layers(text: str) -> list[nn.Module]:
    return list(backbone(f"layers: [{text}]").build())


def refusal(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        backbone(f"layers: {text}")
    return str(caught.value)


def test_lenet_5_written_in_yaml_has_its_published_weights_and_shape() -> None:
    lenet = backbone(TEXTBOOK)
    network = lenet.build().eval()

    assert lenet.features == 120
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 120, 1, 1)
    assert [p.numel() for p in network.parameters()] == [150, 6, 2400, 16, 48000, 120]


def test_the_layers_have_the_order_of_the_recipe() -> None:
    kinds = [type(module) for module in backbone(TEXTBOOK).build()]

    assert kinds == [nn.Conv2d, nn.Tanh, nn.AvgPool2d] * 2 + [nn.Conv2d, nn.Tanh]


def test_a_plain_conv_is_a_convolution_that_keeps_the_size_and_a_relu() -> None:
    conv, relu = layers("conv: {filters: 4, kernel: 5}")

    assert (conv.in_channels, conv.out_channels, conv.kernel_size) == (3, 4, (5, 5))
    assert conv(torch.zeros(1, 3, 9, 11)).shape == (1, 4, 9, 11)
    assert isinstance(relu, nn.ReLU)


@pytest.mark.parametrize(
    ("norm", "kind"), [("batch", nn.BatchNorm2d), ("instance", nn.InstanceNorm2d)]
)
def test_a_norm_follows_the_convolution_and_replaces_its_bias(norm: str, kind: type) -> None:
    conv, normalisation, _ = layers(f"conv: {{filters: 4, norm: {norm}}}")

    assert conv.bias is None
    assert isinstance(normalisation, kind)


def test_the_activation_none_leaves_the_convolution_alone() -> None:
    assert [type(m) for m in layers("conv: {filters: 4, activation: none}")] == [nn.Conv2d]


def test_stride_and_pooling_make_the_map_smaller() -> None:
    network = backbone(
        "layers: [conv: {filters: 4, stride: 2}, pool: {kind: max, size: 3, stride: 1}]"
    ).build()

    assert network(torch.zeros(1, 3, 16, 16)).shape == (1, 4, 6, 6)


def test_a_max_pool_keeps_the_largest_value_of_each_window() -> None:
    pool = layers("{conv: {filters: 1}}, {pool: {size: 2}}")[-1]
    picture = torch.tensor([[[[1.0, 5.0], [3.0, 2.0]]]])

    assert pool(picture).item() == 5


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{conv: {filters: 4}, pool: {}}", "layer 2: a layer is either conv or pool"),
        ("{}", "layer 2: a layer is either conv or pool"),
        (
            "{conv: {filters: 0}}",
            "layer 2, conv: filters must be a whole number of at least 1, got 0",
        ),
        (
            "{conv: {filters: 4, kernel: 0}}",
            "layer 2, conv: kernel must be a whole number of at least 1, got 0",
        ),
        (
            "{conv: {filters: 4, stride: 0}}",
            "layer 2, conv: stride must be a whole number of at least 1, got 0",
        ),
        (
            "{conv: {filters: 4, padding: -1}}",
            "layer 2, conv: padding must be a whole number of at least 0 or same or valid, got -1",
        ),
        ("{pool: {size: 0}}", "layer 2, pool: size must be a whole number of at least 1, got 0"),
        (
            "{pool: {stride: 0}}",
            "layer 2, pool: stride must be a whole number of at least 1 or nothing, got 0",
        ),
    ],
)
def test_a_wrong_layer_is_named_by_its_number(entry: str, told: str) -> None:
    assert told in refusal(f"[{{conv: {{filters: 4}}}}, {entry}]")


@pytest.mark.parametrize("word", ["linear", "dense"])
def test_who_writes_a_linear_layer_learns_that_the_head_holds_it(word: str) -> None:
    text = refusal(f"[{{conv: {{filters: 4}}}}, {{{word}: {{units: 10}}}}]")
    assert f"layer 2: unknown key '{word}'\n  The head is the linear layer: " in text


def test_a_network_without_a_convolution_is_refused() -> None:
    assert "layers must hold at least one conv" in refusal("[{pool: {size: 2}}]")


def test_parameters_survive_a_round_trip_through_a_card() -> None:
    values = parse_document(TEXTBOOK, name="r.yaml").plain()

    assert make_backbone("convnet", json.loads(json.dumps(values))) == backbone(TEXTBOOK)
