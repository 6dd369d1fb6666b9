"""The first layer's filters at a few epochs, which show how a network learns.

They are stored beside the checkpoint, do not affect the training, and are not part of any digest.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

_FILTERS_FILE = "filters.npz"
_MAX_EPOCHS = 8  # epochs that are kept, besides the start


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of the first convolution at K epochs.

    Attributes:
        epochs: ``(K,)`` int64; 0 is before training.
        weights: ``(K, F, C, kh, kw)`` float32.
    """

    epochs: NDArray[np.int64]
    weights: NDArray[np.float32]

    def likeness(self) -> NDArray[np.float64]:
        """Return ``(K, F)``: the cosine of each filter to its initial value; 1 is no change.

        Works for very small filters, as some of ImageNet's are. A filter that stays zero has 1.
        """
        flat = self.weights.reshape(*self.weights.shape[:2], -1).astype(np.float64)
        lengths = np.linalg.norm(flat, axis=2)
        products = (flat * flat[0]).sum(axis=2)
        scale = lengths * lengths[0]
        likeness: NDArray[np.float64] = (lengths == lengths[0]).astype(np.float64)
        np.divide(products, scale, out=likeness, where=scale > 0)
        return likeness


def kept_epochs(epochs: int) -> frozenset[int]:
    """Return the epochs after which filters are kept, evenly spaced; 0 is the start."""
    return frozenset(
        np.rint(np.linspace(0, epochs, min(_MAX_EPOCHS, epochs) + 1)).astype(int).tolist()
    )


def save_filters(backbone: nn.Module, epoch: int, directory: Path) -> None:
    """Add the first layer's filters after an epoch to the file, atomically.

    Filters of later epochs, left by an interrupted training, are dropped. A backbone without a
    convolution writes no file.
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
    part = directory / f"{_FILTERS_FILE}.part"
    with part.open("wb") as file:
        np.savez_compressed(file, epochs=epochs, weights=weight)
    part.replace(directory / _FILTERS_FILE)


def read_filters(directory: Path) -> Filters | None:
    """Return the filters in the folder, or None."""
    path = directory / _FILTERS_FILE
    if not path.is_file():
        return None
    with np.load(path) as file:
        return Filters(file["epochs"], file["weights"])
