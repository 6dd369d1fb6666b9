"""ResNet18: the shape, the size and the input of the published network."""

import pytest
import torch

from diascope.backbones.resnet18 import ResNet18


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_output_has_the_features_at_stride_32(in_channels: int) -> None:
    backbone = ResNet18(in_channels=in_channels)
    with torch.inference_mode():
        features = backbone.build().eval()(torch.zeros(2, in_channels, 64, 96))

    assert features.shape == (2, backbone.features, 2, 3)


def test_it_has_as_many_weights_as_the_published_network_without_its_last_layer() -> None:
    network = ResNet18().build()

    assert ResNet18.features == 512
    assert sum(p.numel() for p in network.parameters()) == 11_689_512 - 513 * 1000


def test_the_features_are_not_all_the_same() -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        features = ResNet18().build().eval()(torch.rand(1, 3, 64, 64))

    assert features.isfinite().all()
    assert features.std() > 0


def test_pictures_are_normalised_as_for_imagenet() -> None:
    assert ResNet18().mean == (0.485, 0.456, 0.406)
    assert ResNet18().std == (0.229, 0.224, 0.225)


def test_grey_pictures_are_normalised_around_one_half() -> None:
    backbone = ResNet18(in_channels=1)

    assert (backbone.mean, backbone.std) == ((0.5,), (0.25,))
