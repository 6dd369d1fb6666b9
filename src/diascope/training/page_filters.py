"""The first layer's filters, epoch by epoch, for ``training.html``."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diascope.explain.filters import filter_picture
from diascope.explain.pictures import png_uri
from diascope.training.filters import Filters

_SHOWN = 16  # filters: those that changed most
_PIXELS = 4  # side of the square drawn for a weight; gaps between filters are twice as wide


def filter_history(filters: Filters) -> dict[str, Any]:
    """Return a row of pictures for each epoch, and a text on how much the filters changed."""
    likeness = filters.likeness()
    count = filters.weights.shape[1]
    shown = np.sort(np.argsort(likeness[-1], kind="stable")[:_SHOWN])
    mean = likeness.mean(axis=1)
    return {
        "rows": [
            {
                "title": f"epoch {epoch}" if epoch else "start",
                "likeness": f"{mean[row]:.3f}",
                "picture": png_uri(_strip(filters.weights[row, shown])),
            }
            for row, epoch in enumerate(filters.epochs.tolist())
        ],
        "which": f"the {len(shown)} of its {count} filters that changed most"
        if len(shown) < count
        else f"all of its {count} filters",
        "change": _describe_change(float(mean[-1])),
    }


def _describe_change(likeness: float) -> str:
    """Return a text on how far the filters are from their initial values."""
    amount = "hardly changed" if likeness > 0.99 else "changed partly"
    return f"{'became different filters' if likeness < 0.5 else amount}: mean cosine {likeness:.3f}"


def _strip(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return filters ``(F, C, kh, kw)`` side by side in one picture, with transparent gaps."""
    pictures = [
        np.kron(filter_picture(torch.from_numpy(weight)), np.ones((_PIXELS, _PIXELS, 1), np.uint8))
        for weight in weights
    ]
    opaque = [np.pad(each, ((0, 0), (0, 0), (0, 1)), constant_values=255) for each in pictures]
    gap = np.zeros((len(opaque[0]), 2 * _PIXELS, 4), np.uint8)
    return np.concatenate([part for each in opaque for part in (each, gap)][:-1], axis=1)
