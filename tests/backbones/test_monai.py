"""MONAI's networks as backbones: the shape, the size and the input of the published ones."""

from typing import Any

import pytest
import torch

from diascope.backbones.densenet121 import DenseNet121
from diascope.backbones.efficientnet_b0 import EfficientNetB0
from diascope.backbones.resnet18 import ResNet18
from diascope.backbones.resnet50 import ResNet50

WEIGHTS = {  # and features; the last layer gives a thousand classes
    DenseNet121: (7_978_856, 1024),
    EfficientNetB0: (5_288_548, 1280),
    ResNet18: (11_689_512, 512),
    ResNet50: (25_557_032, 2048),
}


@pytest.fixture(params=WEIGHTS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_output_has_the_features_at_stride_32(kind: Any, in_channels: int) -> None:
    backbone = kind(in_channels=in_channels)
    with torch.inference_mode():
        features = backbone.build().eval()(torch.zeros(2, in_channels, 64, 96))

    assert features.shape == (2, backbone.features, 2, 3)


def test_it_has_as_many_weights_as_the_published_network_without_its_last_layer(kind: Any) -> None:
    network, (weights, features) = kind().build(), WEIGHTS[kind]

    assert kind.features == features
    assert sum(p.numel() for p in network.parameters()) == weights - (features + 1) * 1000


def test_the_features_are_not_all_the_same(kind: Any) -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        features = kind().build().eval()(torch.rand(1, 3, 64, 64))

    assert features.isfinite().all()
    assert features.std() > 0


def test_pictures_are_normalised_as_for_imagenet(kind: Any) -> None:
    assert kind().mean == (0.485, 0.456, 0.406)
    assert kind().std == (0.229, 0.224, 0.225)


def test_grey_pictures_are_normalised_around_one_half(kind: Any) -> None:
    backbone = kind(in_channels=1)

    assert (backbone.mean, backbone.std) == ((0.5,), (0.25,))
