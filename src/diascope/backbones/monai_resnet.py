"""The convolutional part of MONAI's residual networks, with the usual first stride."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from torch import nn


def build_features(resnet: Callable[..., Any], in_channels: int) -> nn.Module:
    """Return a module that maps ``(N, C, H, W)`` to ``(N, F, H/32, W/32)``.

    MONAI's default first stride is 1, which takes four times the work of the published network.
    """
    network = resnet(
        spatial_dims=2,
        n_input_channels=in_channels,
        conv1_t_stride=2,
        bias_downsample=False,
        feed_forward=False,
    )
    names = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")
    return nn.Sequential(OrderedDict((name, getattr(network, name)) for name in names))
