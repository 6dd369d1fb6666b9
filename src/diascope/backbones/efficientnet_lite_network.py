"""The layers of EfficientNet-Lite0, -Lite1 and -Lite2."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

_STAGES = (
    # kernel, stride, expansion
    (3, 1, 1),
    (3, 2, 6),
    (5, 2, 6),
    (3, 2, 6),
    (5, 1, 6),
    (5, 2, 6),
    (3, 1, 6),
)
_REPEATS = (
    # blocks in each stage
    (1, 2, 2, 3, 3, 4, 1),
    (1, 3, 3, 4, 4, 5, 1),
    (1, 3, 3, 4, 4, 5, 1),
)
_FILTERS = (
    # filters of each stage
    (16, 24, 40, 80, 112, 192, 320),
    (16, 24, 40, 80, 112, 192, 320),
    (16, 24, 48, 88, 120, 208, 352),
)


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's ``SAME`` padding: an odd pixel is added right and below."""

    def forward(self, input: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        sides = map(int, input.shape[2:])  # in an exported graph, // would round towards 0
        missing = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in sides]
        height, width = missing
        if height % 2 == 0 and width % 2 == 0:
            padding = (height // 2, width // 2)
            return functional.conv2d(
                input, self.weight, self.bias, self.stride, padding, 1, self.groups
            )
        around = (width // 2, width - width // 2, height // 2, height - height // 2)
        return super().forward(functional.pad(input, around))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """Inverted residual block: expand, convolve each channel, project (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expands = expansion > 1
        self.adds = stride == 1 and inputs == outputs
        if self.expands:
            self.expand_conv = SameConv2d(inputs, inner, 1, bias=False)
            self.bn0 = _norm(inner)
        self.depthwise_conv = SameConv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self.bn1 = _norm(inner)
        self.project_conv = SameConv2d(inner, outputs, 1, bias=False)
        self.bn2 = _norm(outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        inner = inputs
        if self.expands:
            inner = functional.relu6(self.bn0(self.expand_conv(inner)))
        inner = functional.relu6(self.bn1(self.depthwise_conv(inner)))
        outputs: Tensor = self.bn2(self.project_conv(inner))
        return outputs + inputs if self.adds else outputs


class EfficientNetLiteNetwork(nn.Module):
    """Maps ``(N, C, H, W)`` to ``(N, 1280, H/32, W/32)``, rounded up. ``size`` is 0 for Lite0."""

    def __init__(self, in_channels: int, size: int) -> None:
        super().__init__()
        self.conv_stem = SameConv2d(in_channels, 32, 3, 2, bias=False)
        self.bn0 = _norm(32)
        shapes = [
            (kernel, stride if repeat == 0 else 1, expansion, filters)
            for (kernel, stride, expansion), repeats, filters in zip(
                _STAGES, _REPEATS[size], _FILTERS[size], strict=True
            )
            for repeat in range(repeats)
        ]
        widths = [32, *(filters for *_, filters in shapes)]
        self.blocks = nn.ModuleList(
            Block(inputs, outputs, kernel, stride, expansion)
            for (inputs, outputs), (kernel, stride, expansion, _) in zip(
                pairwise(widths), shapes, strict=True
            )
        )
        self.conv_head = SameConv2d(widths[-1], 1280, 1, bias=False)
        self.bn1 = _norm(1280)

    def forward(self, batch: Tensor) -> Tensor:
        features = functional.relu6(self.bn0(self.conv_stem(batch)))
        for block in self.blocks:
            features = block(features)
        return functional.relu6(self.bn1(self.conv_head(features)))
