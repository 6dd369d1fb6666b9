"""Where the cells of a network's maps lie in the picture, found from kernels, strides and paddings.

Source: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import nn

POINTWISE: dict[type[nn.Module], str] = {
    nn.BatchNorm2d: "batch norm",
    nn.SyncBatchNorm: "batch norm",
    nn.InstanceNorm2d: "instance norm",
    nn.ReLU: "ReLU",
    nn.ReLU6: "ReLU6",
    nn.LeakyReLU: "leaky ReLU",
    nn.GELU: "GELU",
    nn.SiLU: "SiLU",
    nn.ELU: "ELU",
    nn.Hardswish: "hard swish",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.Dropout: "dropout",
    nn.Dropout2d: "dropout",
    nn.Identity: "",
}
"""Layers whose cells depend on the same cell of their input, and their names.

An instance norm also depends on the mean and variance of the whole map.
"""


class Window(NamedTuple):
    """How a convolution or pooling moves over its input; each pair is (row, column).

    Attributes:
        padding: above and to the left.
        added: above and below together, and to the left and right together.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    added: tuple[int, int]
    dilation: tuple[int, int]

    @property
    def reach(self) -> tuple[int, int]:
        """The height and width that the window spans."""
        tall, wide = (d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return tall, wide

    def fits(self, size: Sequence[int]) -> bool:
        """Return whether an input of ``size`` (height, width) has room for the window."""
        rooms = (side + added for side, added in zip(size, self.added, strict=True))
        return all(room >= reach for room, reach in zip(rooms, self.reach, strict=True))


@dataclass(frozen=True)
class CellGrid:
    """Where the cells of a map lie in the picture, in pixels; each pair is (row, column).

    Attributes:
        step: the distance between the centres of neighbouring cells.
        field: the height and width of a cell's receptive field, the pixels that it depends on;
            at the edges, part of it lies outside of the picture.
        first: the centre of the first cell; 0 is the centre of the first pixel.
    """

    step: tuple[int, int] = (1, 1)
    field: tuple[int, int] = (1, 1)
    first: tuple[float, float] = (0.0, 0.0)

    def divides_evenly(self, cells: Sequence[int], size: Sequence[int]) -> bool:
        """Return whether cells side by side, each a step wide, are just the picture.

        Args:
            cells: (rows, columns) of the map.
            size: (height, width) of the picture in pixels.
        """
        axes = zip(self.step, self.first, cells, size, strict=True)
        return all(
            step * count == side and first == (step - 1) / 2 for step, first, count, side in axes
        )


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def window_of(module: nn.Module) -> Window | None:
    """Return the window of a convolution or pooling; None for any other module."""
    if type(module) is nn.Conv2d and module.padding_mode == "zeros":
        kernel, dilation = pair(module.kernel_size), pair(module.dilation)
        if module.padding == "same":
            added = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
            padding = (added[0] // 2, added[1] // 2)
        else:
            padding = (0, 0) if module.padding == "valid" else pair(module.padding)  # type: ignore[arg-type]
            added = (2 * padding[0], 2 * padding[1])
        return Window(kernel, pair(module.stride), padding, added, dilation)
    if type(module) in (nn.MaxPool2d, nn.AvgPool2d):
        assert isinstance(module, nn.MaxPool2d | nn.AvgPool2d)
        padding = pair(module.padding)
        added = (2 * padding[0], 2 * padding[1])
        dilation = pair(module.dilation) if isinstance(module, nn.MaxPool2d) else (1, 1)
        return Window(pair(module.kernel_size), pair(module.stride), padding, added, dilation)
    return None


def grid_after(grid: CellGrid, module: nn.Module) -> CellGrid | None:
    """Return where a module's output cells lie, from where those of its input do.

    None for a module that is neither pointwise nor a plain convolution or pooling.
    """
    if type(module) in POINTWISE:
        return grid
    window = window_of(module)
    if window is None:
        return None
    (tall, field_height, top), (wide, field_width, left) = (
        (
            step * window.stride[axis],
            field + step * (window.reach[axis] - 1),
            first + step * ((window.reach[axis] - 1) / 2 - window.padding[axis]),
        )
        for axis, (step, field, first) in enumerate(
            zip(grid.step, grid.field, grid.first, strict=True)
        )
    )
    return CellGrid((tall, wide), (field_height, field_width), (top, left))
