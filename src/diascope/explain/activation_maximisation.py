"""The picture that a label or a filter wants: made from noise, step by step, to make it fire.

Left alone, a network is excited most by noise that no eye can read. So the picture is painted as
photographs are: in waves, the finer the fainter, whose three colours rise and fall together more
than apart. Before each step it is shifted, turned and scaled at random.

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
from diascope.explain.targets import Outputs, Response, Target, watched
from diascope.network import Network

STEPS = 128

_COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""What three independent waves add to red, green and blue: how the colours of ImageNet's pictures
vary together, as the authors measured it."""

_RATE = 0.05
_NOISE = 0.01  # of the waves at the start
_TURN = math.radians(8)
_SCALE = 0.1  # by which a side grows or shrinks at most
_SHIFT = 1 / 12  # of a side, at most


@dataclass(frozen=True, eq=False)
class Wanted:
    """What excites a target, made up.

    Attributes:
        picture: ``(H, W, C)`` uint8, of the network's size.
        response: to that picture.
        here: to the picture that is explained.
        steps: how often the picture was changed.
        seconds: how long that took.
    """

    target: Target
    picture: NDArray[np.uint8]
    response: Response
    here: Response
    steps: int
    seconds: float


def wanted(
    network: Network,
    batch: Tensor,
    target: Target,
    card: ModelCard,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Wanted:
    """Paint what a target of a network, in evaluation mode, wants to see.

    Args:
        batch: ``(1, C, H, W)``, the picture that is explained; its size is that of the painting.
        card: tells how pixels in [0, 1] become what the network takes.
        seed: on a processor, the same seed gives the same picture.
    """
    start = time.perf_counter()
    random = torch.Generator().manual_seed(seed)
    waves = _Waves(batch, random)
    mean, std = (torch.tensor(each).view(-1, 1, 1).to(batch) for each in (card.mean, card.std))
    optimizer = torch.optim.Adam([waves.spectrum], lr=_RATE)
    for _ in range(steps):
        with torch.enable_grad():
            view = (_moved(waves.picture(), random) - mean) / std
            drive = target.drive(_seen(network, view, target))
            (waves.spectrum.grad,) = torch.autograd.grad(-drive, waves.spectrum)
        optimizer.step()
    with torch.no_grad():
        picture = (waves.picture() * 255).round()
        response = target.response(_seen(network, (picture / 255 - mean) / std, target))
        here = target.response(_seen(network, batch, target))
    pixels = np.moveaxis(picture[0].byte().cpu().numpy(), 0, 2)
    return Wanted(target, pixels, response, here, steps, time.perf_counter() - start)


def _seen(network: Network, batch: Tensor, target: Target) -> Outputs:
    """Return what the target's modules give for a batch."""
    batch = batch.contiguous(memory_format=torch.channels_last)
    return watched([target], lambda: network(batch))[1]


class _Waves:
    """A picture as the sum of waves, whose heights are what is learned."""

    def __init__(self, batch: Tensor, random: torch.Generator) -> None:
        self._size = (batch.shape[2], batch.shape[3])
        height, width = self._size
        rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
        frequency = torch.hypot(rows, columns).clamp(min=1 / max(height, width))
        self._faintness = (1 / frequency).to(batch.device)
        self._colours = _colours(batch.shape[1]).to(batch.device)
        spectrum = torch.randn(batch.shape[1], *frequency.shape, 2, generator=random) * _NOISE
        self.spectrum = spectrum.to(batch.device).requires_grad_()

    def picture(self) -> Tensor:
        """Return ``(1, C, H, W)`` in [0, 1]."""
        heights = torch.view_as_complex(self.spectrum) * self._faintness
        waves = torch.fft.irfft2(heights, s=self._size, norm="ortho") / 4
        return torch.sigmoid(torch.einsum("cw,whv->chv", self._colours, waves))[None]


def _colours(channels: int) -> Tensor:
    """Return ``(C, C)``: what each wave adds to each channel, the strongest of them at length 1."""
    if channels != 3:
        return torch.eye(channels)
    table = torch.tensor(_COLOURS)
    length: Tensor = table.norm(dim=0).max()
    return table.div(length)


def _moved(picture: Tensor, random: torch.Generator) -> Tensor:
    """Return a picture a little turned, scaled and shifted, mirrored where nothing was."""
    turn, scale, *shift = (2 * torch.rand(4, generator=random) - 1).tolist()
    angle, factor = turn * _TURN, 1 + scale * _SCALE
    cosine, sine = factor * math.cos(angle), factor * math.sin(angle)
    across, down = (2 * _SHIFT * part for part in shift)
    matrix = torch.tensor([[[cosine, -sine, across], [sine, cosine, down]]]).to(picture)
    places = functional.affine_grid(matrix, list(picture.shape), align_corners=False)
    return functional.grid_sample(picture, places, padding_mode="reflection", align_corners=False)
