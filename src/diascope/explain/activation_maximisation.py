"""Feature visualisation: optimise a picture, from noise, to maximise the response of a target.

Unregularised activation maximisation ends in noise that nobody can interpret. The picture is
therefore parameterised by its Fourier coefficients, with high frequencies scaled down and the
colour channels correlated as in photographs, and is randomly shifted, rotated and scaled before
each step.

Source: Olah, Mordvintsev and Schubert 2017, "Feature Visualization".
"""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from diascope.card import ModelCard
from diascope.explain.targets import ModuleOutputs, Response, Target, record_outputs
from diascope.network import Network
from diascope.torch_process import torch_threads

_STEPS = 128

_COLOUR_BASIS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""Decorrelated colour components, as columns; the rows are red, green and blue. It is the colour
correlation in ImageNet as measured by the authors."""

_RATE = 0.05
_INITIAL_NOISE = 0.01  # standard deviation of the initial Fourier coefficients
_MAX_ROTATION = math.radians(8)
_MAX_SCALE = 0.1
_MAX_SHIFT = 1 / 12  # of a side


@dataclass(frozen=True, eq=False)
class FeatureVisualisation:
    """A synthetic picture that maximises the response of a target.

    Attributes:
        picture: ``(H, W, C)`` uint8, in the input size of the network.
        response: the target's response to that picture.
        explained_response: its response to the picture being explained.
        steps: the number of optimisation steps.
        seconds: how long they took.
    """

    target: Target
    picture: NDArray[np.uint8]
    response: Response
    explained_response: Response
    steps: int
    seconds: float


@torch_threads(1)  # more threads gain little for one picture, and cost much on a busy machine
def visualise_target(
    network: Network,
    batch: Tensor,
    target: Target,
    card: ModelCard,
    *,
    steps: int = _STEPS,
    seed: int = 0,
) -> FeatureVisualisation:
    """Return the picture that maximises the response of a target.

    Args:
        network: in evaluation mode.
        batch: ``(1, C, H, W)``, the picture being explained; the result has the same size.
        card: has the mean and standard deviation by which pixels in [0, 1] are normalised.
        seed: on a CPU, the same seed gives the same picture.
    """
    start = time.perf_counter()
    random = torch.Generator().manual_seed(seed)
    image = _FourierImage(batch, random)
    mean, std = (torch.tensor(each).view(-1, 1, 1).to(batch) for each in (card.mean, card.std))
    optimizer = torch.optim.Adam([image.spectrum], lr=_RATE)
    for _ in range(steps):
        with torch.enable_grad():
            view = (_random_transform(image.render(), random) - mean) / std
            objective = target.objective(_module_outputs(network, view, target))
            (image.spectrum.grad,) = torch.autograd.grad(-objective, image.spectrum)
        optimizer.step()
    with torch.no_grad():
        picture = (image.render() * 255).round()
        response = target.response(_module_outputs(network, (picture / 255 - mean) / std, target))
        explained = target.response(_module_outputs(network, batch, target))
    pixels = np.moveaxis(picture[0].byte().cpu().numpy(), 0, 2)
    return FeatureVisualisation(
        target, pixels, response, explained, steps, time.perf_counter() - start
    )


def _module_outputs(network: Network, batch: Tensor, target: Target) -> ModuleOutputs:
    """Return the outputs of the target's modules for a batch."""
    batch = batch.contiguous(memory_format=torch.channels_last)
    return record_outputs([target], lambda: network(batch))[1]


class _FourierImage:
    """A picture parameterised by its Fourier coefficients, which are optimised."""

    def __init__(self, batch: Tensor, random: torch.Generator) -> None:
        self._size = (batch.shape[2], batch.shape[3])
        height, width = self._size
        rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
        frequency = torch.hypot(rows, columns).clamp(min=1 / max(height, width))
        self._frequency_scale = (1 / frequency).to(batch.device)
        self._colour_basis = _colour_basis(batch.shape[1]).to(batch.device)
        spectrum = (
            torch.randn(batch.shape[1], *frequency.shape, 2, generator=random) * _INITIAL_NOISE
        )
        self.spectrum = spectrum.to(batch.device).requires_grad_()

    def render(self) -> Tensor:
        """Return ``(1, C, H, W)`` in [0, 1]."""
        coefficients = torch.view_as_complex(self.spectrum) * self._frequency_scale
        components = torch.fft.irfft2(coefficients, s=self._size, norm="ortho") / 4
        return torch.sigmoid(torch.einsum("cw,whv->chv", self._colour_basis, components))[None]


def _colour_basis(channels: int) -> Tensor:
    """Return ``(C, C)``, from components to channels; the largest component has length 1."""
    if channels != 3:
        return torch.eye(channels)
    table = torch.tensor(_COLOUR_BASIS)
    length: Tensor = table.norm(dim=0).max()
    return table.div(length)


def _random_transform(picture: Tensor, random: torch.Generator) -> Tensor:
    """Return a picture rotated, scaled and shifted at random, with mirrored borders."""
    rotation, scale, *shift = (2 * torch.rand(4, generator=random) - 1).tolist()
    angle, factor = rotation * _MAX_ROTATION, 1 + scale * _MAX_SCALE
    cosine, sine = factor * math.cos(angle), factor * math.sin(angle)
    dx, dy = (2 * _MAX_SHIFT * part for part in shift)
    matrix = torch.tensor([[[cosine, -sine, dx], [sine, cosine, dy]]]).to(picture)
    grid = functional.affine_grid(matrix, list(picture.shape), align_corners=False)
    return functional.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)
