"""Measure how unlike the training pictures a picture is, by its features in the network.

The features of the training pictures are modelled as a normal distribution of low rank: each of a
few principal directions has its own variance, all others share one. A picture's distance is the
Mahalanobis distance under this distribution. Sources: Tipping and Bishop 1999, "Probabilistic
Principal Component Analysis"; Lee et al. 2018, "A Simple Unified Framework for Detecting
Out-of-Distribution Samples and Adversarial Attacks".

There are two views of the features: as they are, and scaled to unit length (Müller and Hein 2025,
"Mahalanobis++: Improving OOD Detection via Feature Normalization"). A picture's novelty is that of
the more novel view: a black picture or noise has small features in some networks and large ones in
others, and one of the views detects it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import WEIGHTS_FILE, ModelCard, NoveltyLimit
from diascope.errors import WeightsError

Floats = NDArray[np.float64]
PREFIX = "novelty."
"""The prefix of the names of the statistics in a weights file."""

_DECIMALS_BELOW = 10
"""Multiples of the limit are shown with decimals below this value."""


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """The distribution of the F features of the training pictures, in both views.

    Attributes:
        mean: ``(2, F)`` float32.
        directions: ``(2, k, F)`` float16, orthonormal: the directions of largest variance.
        variances: ``(2, k + 1)`` float32: along each of these directions, and along any other.
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float16]
    variances: NDArray[np.float32]

    def distances(self, features: NDArray[np.floating[Any]]) -> Floats:
        """Return ``(N, 2)``: distances from the mean of ``(N, F)`` features, pooled over the cells.
        A distance is the root mean square over all F directions, each in units of its standard
        deviation. It is near 1 for pictures like the training pictures.
        """
        directions = self.directions.astype(np.float64)
        variances = self.variances.astype(np.float64)[:, None]
        away = views(features) - self.mean[:, None]
        along = away @ directions.transpose(0, 2, 1)
        rest = away - along @ directions
        squares = (along**2 / variances[..., :-1]).sum(2) + (rest**2).sum(2) / variances[..., -1]
        distances: Floats = np.sqrt(squares / features.shape[1]).T
        return distances

    def novelties(self, features: NDArray[np.floating[Any]], limit: NoveltyLimit) -> Floats:
        """Return ``(N,)`` novelties of ``(N, F)`` features: 1 is the limit."""
        novelties: Floats = (self.distances(features) / limit.thresholds).max(axis=1)
        return novelties


def views(features: NDArray[np.floating[Any]]) -> Floats:
    """Return ``(2, N, F)``: ``(N, F)`` features as they are, and scaled to unit length."""
    plain = features.astype(np.float64)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    return np.stack([plain, plain / np.maximum(lengths, np.finfo(np.float64).tiny)])


def load_statistics(card: ModelCard, directory: Path) -> FeatureStatistics | None:
    """Return the statistics in a weights file; None if the card has no novelty limit.

    Raises:
        WeightsError: if the file does not contain them although the card has a limit.
    """
    from safetensors import SafetensorError, safe_open

    if card.novelty is None:
        return None
    path = directory / WEIGHTS_FILE
    try:
        with safe_open(path, "numpy") as file:
            names = [field.name for field in fields(FeatureStatistics)]
            return FeatureStatistics(**{name: file.get_tensor(PREFIX + name) for name in names})
    except SafetensorError as error:
        raise WeightsError(
            f"lacks the feature statistics that its card refers to: {error}",
            where=str(path),
            hint="Train again, or remove novelty from the card.",
        ) from error


def novelty_warnings(novelties: Sequence[float | None], *, what: str = "frames") -> tuple[str, ...]:
    """Return the warnings, if any, for one picture or the frames of one item.

    Args:
        novelties: distances as multiples of the card's limit; None where there is no limit.
        what: what the item consists of.
    """
    outside = [novelty for novelty in novelties if novelty is not None and novelty > 1]
    if not outside:
        return ()
    worst = max(outside)
    multiple = f"{worst:,.0f}" if worst >= _DECIMALS_BELOW else f"{worst:.2f}"
    limit = f"{multiple} times the limit"
    if len(novelties) == 1:
        return (f"unlike the pictures that the model was trained on ({limit})",)
    share = f"{len(outside):,} of {len(novelties):,} {what}"
    return (f"{share} unlike the pictures that the model was trained on (up to {limit})",)
