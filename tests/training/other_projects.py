"""The networks of other projects as those projects name their layers, with random weights.

Written after torchvision's and TorchXRayVision's layer names; ``forward`` gives the features that
stand before the pooling. Below them, what the tests of `start:` share.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.training.start import Start
from diascope.training.transfer import MatchReport, start_from

State = dict[str, Tensor]


class DenseLayer(nn.Module):
    """torchvision's: two normalisations and convolutions, straight in the layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 128, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)

    def forward(self, batch: Tensor) -> Tensor:
        inner = self.conv1(functional.relu(self.norm1(batch)))
        return torch.cat([batch, self.conv2(functional.relu(self.norm2(inner)))], 1)


class DenseNet(nn.Module):
    """DenseNet-121 as torchvision and TorchXRayVision (one channel) name it."""

    def __init__(self, channels: int = 3, classes: int = 18) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(channels, 64, 7, 2, 3, bias=False),
            norm0=nn.BatchNorm2d(64),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, 2, 1),
        )
        width = 64
        for number, layers in enumerate((6, 12, 24, 16), 1):
            widths = range(width, width + layers * 32, 32)
            block = {f"denselayer{place}": DenseLayer(w) for place, w in enumerate(widths, 1)}
            parts[f"denseblock{number}"] = nn.Sequential(OrderedDict(block))
            width += layers * 32
            if number < 4:
                parts[f"transition{number}"] = transition(width)
                width //= 2
        parts["norm5"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(width, classes)

    def forward(self, batch: Tensor) -> Tensor:
        return functional.relu(self.features(batch))


def transition(width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(width),
            relu=nn.ReLU(),
            conv=nn.Conv2d(width, width // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )


class Block(nn.Module):
    """A residual block of torchvision; the bottleneck strides in its 3 x 3 convolution."""

    def __init__(self, channels: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        out = width * 4 if bottleneck else width
        kernels = ((1, 1), (3, stride), (1, 1)) if bottleneck else ((3, stride), (3, 1))
        widths = [channels, *[width] * (len(kernels) - 1), out]
        self.count = len(kernels)
        for number, (pair, kernel) in enumerate(zip(pairwise(widths), kernels, strict=True), 1):
            side, step = kernel
            conv = nn.Conv2d(*pair, side, step, side // 2, bias=False)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"bn{number}", nn.BatchNorm2d(pair[1]))
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            shortcut = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out))

    def forward(self, batch: Tensor) -> Tensor:
        inner = batch
        for number in range(1, self.count + 1):
            inner = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(inner))
            inner = functional.relu(inner) if number < self.count else inner
        return functional.relu(inner + (self.downsample(batch) if self.downsample else batch))


class ResNet(nn.Module):
    """A residual network as torchvision names it: 18 is ``(2, 2, 2, 2)``, 50 ``(3, 4, 6, 3)``."""

    def __init__(
        self,
        depths: tuple[int, ...] = (2, 2, 2, 2),
        *,
        bottleneck: bool = False,
        channels: int = 3,
        filters: int = 64,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        width = filters
        for number, depth in enumerate(depths, 1):
            blocks = []
            for place in range(depth):
                stride = 2 if number > 1 and place == 0 else 1
                inner = filters * 2 ** (number - 1)
                blocks.append(Block(width, inner, stride, bottleneck=bottleneck))
                width = inner * 4 if bottleneck else inner
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(width, 10)

    def forward(self, batch: Tensor) -> Tensor:
        return self.features()(batch)

    def features(self) -> nn.Sequential:
        """Return all but the classification layer, under the same names."""
        return nn.Sequential(OrderedDict(list(self.named_children())[:-1]))


def resnet18() -> ResNet:
    network = ResNet()
    randomise(network)
    return network


def resnet50() -> ResNet:
    network = ResNet((3, 4, 6, 3), bottleneck=True)
    randomise(network)
    return network


def tiny(channels: int = 3, depths: tuple[int, ...] = (2, 2, 2, 2)) -> ResNet:
    """Return a residual network of few filters, quick to save."""
    network = ResNet(depths, channels=channels, filters=4)
    randomise(network)
    return network


def densenet121(channels: int = 3) -> DenseNet:
    network = DenseNet(channels)
    randomise(network)
    return network


def randomise(network: nn.Module) -> None:
    """Give normalisations random values, as after a training, and set evaluation mode."""
    random = torch.Generator().manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                tensor.data.uniform_(0.5, 1.5, generator=random)
            for tensor in (module.bias, module.running_mean):
                tensor.data.uniform_(-0.2, 0.2, generator=random)
    network.eval()


def new(channels: int = 3) -> nn.Module:
    """Return a backbone that no file was loaded into."""
    return tiny(channels).features()


def begin(
    ours: nn.Module, file: Path, mean: float = 0.5, std: float = 0.25, **how: Any
) -> MatchReport:
    """Start a backbone, in evaluation mode, from a file, for pixels normalised that way."""
    return start_from(ours.eval(), Start(file, **how), "ours", (mean,), (std,))


def saved(path: Path, held: Any) -> Path:
    torch.save(held, path)
    return path


def renamed(state: State, change: Callable[[str], str]) -> State:
    return {change(name): tensor for name, tensor in state.items()}


def same_features(
    theirs: Callable[[Tensor], Tensor], ours: Callable[[Tensor], Tensor], channels: int = 3
) -> None:
    """Assert that two networks give the same features of a picture."""
    picture = torch.randn(2, channels, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = theirs(picture)
        assert expected.std() > 0.01
        torch.testing.assert_close(ours(picture), expected, rtol=1e-4, atol=1e-4)
