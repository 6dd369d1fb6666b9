"""The backbones from MONAI: the shape, the size and the input of the published networks."""

from typing import Any

import pytest
import torch

from diascope.backbones.densenet121 import DenseNet121
from diascope.backbones.efficientnet_b0 import EfficientNetB0
from diascope.backbones.resnet import ResNet18, ResNet50

PUBLISHED = {  # features, and weights with a last layer for 1,000 classes
    DenseNet121: (1024, 7_978_856),
    EfficientNetB0: (1280, 5_288_548),
    ResNet18: (512, 11_689_512),
    ResNet50: (2048, 25_557_032),
}
BACKBONES = pytest.mark.parametrize("backbone", PUBLISHED, ids=lambda each: each.__name__)


@BACKBONES
@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_output_has_the_features_at_stride_32(backbone: Any, in_channels: int) -> None:
    made = backbone(in_channels=in_channels)
    with torch.inference_mode():
        features = made.build().eval()(torch.zeros(2, in_channels, 64, 96))

    assert features.shape == (2, made.features, 2, 3)


@BACKBONES
def test_it_has_as_many_weights_as_the_published_network_without_its_last_layer(
    backbone: Any,
) -> None:
    features, weights = PUBLISHED[backbone]

    assert backbone.features == features
    found = sum(each.numel() for each in backbone().build().parameters())
    assert found == weights - (features + 1) * 1000


@BACKBONES
def test_the_features_are_not_all_the_same(backbone: Any) -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        features = backbone().build().eval()(torch.rand(1, 3, 64, 64))

    assert features.isfinite().all()
    assert features.std() > 0


@BACKBONES
def test_pictures_are_normalised_as_for_imagenet_and_grey_ones_around_one_half(
    backbone: Any,
) -> None:
    assert backbone().mean == (0.485, 0.456, 0.406)
    assert backbone().std == (0.229, 0.224, 0.225)
    assert (backbone(in_channels=1).mean, backbone(in_channels=1).std) == ((0.5,), (0.25,))
