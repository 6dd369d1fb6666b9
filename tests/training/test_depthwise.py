"""Depthwise convolutions with a fast backward pass give the same as torch's."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from diascope.training.depthwise import FastDepthwise


def gradients(side: int, kernel: int, stride: int, padding: int, quick: bool) -> list[Tensor]:
    torch.manual_seed(0)
    batch = torch.randn(4, 16, side, side).bfloat16().float().requires_grad_()
    filters = torch.randn(16, 1, kernel, kernel).bfloat16().float().requires_grad_()
    if quick:
        with FastDepthwise(), torch.autocast("cpu", dtype=torch.bfloat16):
            out = functional.conv2d(batch, filters, None, stride, padding, 1, 16)
    else:
        out = functional.conv2d(batch, filters, None, stride, padding, 1, 16)
    out.float().square().mean().backward()
    assert batch.grad is not None
    assert filters.grad is not None
    return [out.float(), batch.grad, filters.grad]


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("side", "kernel"), [(12, 3), (13, 3), (12, 5), (13, 5)])
def test_values_and_gradients_are_those_of_torch_to_bfloat16(
    side: int, kernel: int, stride: int, padding: int
) -> None:
    quick = gradients(side, kernel, stride, padding, quick=True)
    exact = gradients(side, kernel, stride, padding, quick=False)

    for one, other in zip(quick, exact, strict=True):
        assert one.shape == other.shape
        assert (one - other).norm() / other.norm() < 0.01


def test_in_float32_and_for_other_convolutions_nothing_changes() -> None:
    batch = torch.randn(1, 8, 9, 9)
    whole, each = torch.randn(8, 8, 3, 3), torch.randn(8, 1, 3, 3)
    with FastDepthwise():
        inside = [functional.conv2d(batch, whole), functional.conv2d(batch, each, groups=8)]
    outside = [functional.conv2d(batch, whole), functional.conv2d(batch, each, groups=8)]

    assert all(torch.equal(one, other) for one, other in zip(inside, outside, strict=True))
