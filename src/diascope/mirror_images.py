"""Means over a picture and its three mirror images, in PyTorch: ``test_time: flips``."""

from collections.abc import Iterator

import torch
from torch import Tensor

from diascope.network import Network

_AXES = ((), (2,), (3,), (2, 3))
"""The axes of a batch ``(N, C, H, W)`` along which it is mirrored; the first view is the batch."""


def mean_logits(network: Network, batch: Tensor, *, flips: bool) -> Tensor:
    """Return the logits ``(N, L)`` in float32: the batch's own, or the mean with ``flips``.

    Without ``flips``, the batch may be anything that the network takes, such as items' features.
    """
    return torch.stack([network(view).float() for _, view in _views(batch, flips)]).mean(0)


def mean_maps(network: Network, batch: Tensor, *, flips: bool) -> Tensor:
    """Return the evidence maps ``(N, L, h, w)``; with ``flips`` their mean, mirrored back."""
    maps = [
        network.head.maps(network.backbone(view)).flip(axes) for axes, view in _views(batch, flips)
    ]
    return torch.stack(maps).mean(0)


def _views(batch: Tensor, flips: bool) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    for axes in _AXES if flips else _AXES[:1]:
        yield axes, batch.flip(axes) if axes else batch
