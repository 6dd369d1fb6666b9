"""The first layer's filters at a few epochs, so that one can watch a network learn.

They lie beside the checkpoint and take no part in the training: no digest is of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

FILTERS_FILE = "filters.npz"
_MAX_EPOCHS = 8  # epochs that are kept, beside the start


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of the first convolution at K epochs.

    Attributes:
        epochs: ``(K,)`` int64; 0 is before anything was learned.
        weights: ``(K, F, C, kh, kw)`` float32.
    """

    epochs: NDArray[np.int64]
    weights: NDArray[np.float32]

    def likeness(self) -> NDArray[np.float64]:
        """Return ``(K, F)``: each filter's cosine to what it first was; 1 is the same direction.

        Filters may be very small, as some of ImageNet's are; 1 is also one of zeros that stayed so.
        """
        flat = self.weights.reshape(*self.weights.shape[:2], -1).astype(np.float64)
        lengths = np.linalg.norm(flat, axis=2)
        products = (flat * flat[0]).sum(axis=2)
        scale = lengths * lengths[0]
        likeness: NDArray[np.float64] = (lengths == lengths[0]).astype(np.float64)
        np.divide(products, scale, out=likeness, where=scale > 0)
        return likeness


def kept_epochs(epochs: int) -> frozenset[int]:
    """Return the epochs after which filters are kept, spread evenly; 0 is the start."""
    return frozenset(
        np.rint(np.linspace(0, epochs, min(_MAX_EPOCHS, epochs) + 1)).astype(int).tolist()
    )


def save_filters(backbone: nn.Module, epoch: int, directory: Path) -> None:
    """Write what the first layer looks like after an epoch, whole or not at all.

    Of a training that goes on after a kill, what came later before is forgotten. A backbone without
    a convolution leaves no file.
    """
    first = next((layer for layer in backbone.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None:
        return
    weight = first.weight.detach().float().cpu().contiguous().numpy()[None]
    epochs = np.array([epoch])
    if epoch and (known := read_filters(directory)) is not None:
        earlier = known.epochs < epoch
        epochs = np.concatenate([known.epochs[earlier], epochs])
        weight = np.concatenate([known.weights[earlier], weight])
    part = directory / f"{FILTERS_FILE}.part"
    with part.open("wb") as file:
        np.savez_compressed(file, epochs=epochs, weights=weight)
    part.replace(directory / FILTERS_FILE)


def read_filters(directory: Path) -> Filters | None:
    """Return what was kept, or None."""
    path = directory / FILTERS_FILE
    if not path.is_file():
        return None
    with np.load(path) as file:
        return Filters(file["epochs"], file["weights"])
