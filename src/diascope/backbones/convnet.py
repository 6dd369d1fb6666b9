"""A convolutional network defined in the recipe, layer by layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge

from diascope.backbones.imagenet import mean_of, std_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Conv:
    """Convolution filters, a normalisation and a nonlinearity.

    Args:
        filters: the number of filters; each produces one channel of the output.
        kernel: the side of a filter in pixels.
        stride: the step between positions in pixels.
        padding: the width of the zeros around the input in pixels. ``same`` is half the kernel,
            which keeps the size at stride 1 if the kernel is odd, and adds a pixel if it is even.
    """

    filters: Annotated[int, Ge(1)]
    kernel: Annotated[int, Ge(1)] = 3
    stride: Annotated[int, Ge(1)] = 1
    padding: Annotated[int, Ge(0)] | Literal["same", "valid"] = "same"
    activation: Literal["relu", "leaky-relu", "gelu", "sigmoid", "tanh", "none"] = "relu"
    norm: Literal["batch", "instance", "none"] = "none"


@dataclass(frozen=True)
class Pool:
    """The maximum or the mean of each window.

    Args:
        size: the side of the window in pixels.
        stride: the step between windows in pixels; None for the size.
    """

    kind: Literal["max", "average"] = "max"
    size: Annotated[int, Ge(1)] = 2
    stride: Annotated[int, Ge(1)] | None = None


@dataclass(frozen=True)
class Layer:
    """One entry of ``layers``: either ``conv: {...}`` or ``pool: {...}``."""

    conv: Conv | None = None
    pool: Pool | None = None
    unknown_keys: ClassVar = {
        **dict.fromkeys(
            ("linear", "dense"), "The head is the linear layer: `train: {head: linear}`."
        ),
        "dropout": "Dropout is an option of the head: `train: {dropout: 0.2}`.",
    }

    def __post_init__(self) -> None:
        if (self.conv is None) == (self.pool is None):
            raise ValueError("a layer is either conv or pool")


@dataclass(frozen=True)
class ConvNet:
    """A plain stack of convolutions and poolings.

    Args:
        layers: the layers, beginning with the one next to the picture.
        in_channels: the number of channels of the picture.
    """

    layers: tuple[Layer, ...]
    in_channels: int = 3
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if not any(layer.conv for layer in self.layers):
            raise ValueError("layers must hold at least one conv")

    @property
    def features(self) -> int:
        return [layer.conv.filters for layer in self.layers if layer.conv][-1]

    mean = property(mean_of)
    std = property(std_of)

    def build(self) -> "nn.Module":
        from torch import nn

        return nn.Sequential(*self._modules())

    def _modules(self) -> "Iterator[nn.Module]":
        from torch import nn

        channels = self.in_channels
        for layer in self.layers:
            if layer.conv:
                yield from _conv_modules(layer.conv, channels)
                channels = layer.conv.filters
            elif layer.pool:
                kinds = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
                yield kinds[layer.pool.kind](layer.pool.size, layer.pool.stride)


def _conv_modules(conv: Conv, channels: int) -> "Iterator[nn.Module]":
    from torch import nn

    padding = {"same": conv.kernel // 2, "valid": 0}.get(str(conv.padding), conv.padding)
    yield nn.Conv2d(
        channels, conv.filters, conv.kernel, conv.stride, int(padding), bias=conv.norm == "none"
    )
    if conv.norm == "batch":
        yield nn.BatchNorm2d(conv.filters)
    elif conv.norm == "instance":
        yield nn.InstanceNorm2d(conv.filters, affine=True)
    activations = {
        "relu": nn.ReLU,
        "leaky-relu": nn.LeakyReLU,
        "gelu": nn.GELU,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
    }
    if conv.activation != "none":
        yield activations[conv.activation]()
