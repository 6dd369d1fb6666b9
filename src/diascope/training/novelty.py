"""Fit the statistics by which a run detects pictures unlike those of the training."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diascope.card import ModelCard, NoveltyLimit
from diascope.evaluation.labelled_scores import Floats
from diascope.network import Network
from diascope.novelty import PREFIX, FeatureStatistics, views
from diascope.table import Example
from diascope.training.dataset import Pictures
from diascope.training.plan import Plan
from diascope.training.scoring import extract_features

_MAX_PICTURES = 2000
"""Most pictures of a split that are used."""
MIN_PICTURES = 20
"""Fewest validation pictures for a limit; with so few, up to two in 21 exceed it by chance, one in
each view."""
_FRACTION_WITHIN = 0.995
"""Fraction of the validation pictures within the limit."""
_MARGIN = 1 + 1e-4
"""Keeps the picture at the limit inside, although engines differ in the last digits."""
_DIRECTIONS = 64
_PICTURES_A_DIRECTION = 4
_LEAST_VARIANCE = 1e-6
"""Floor of the variances, as a fraction of the largest one: other pictures may vary slightly where
the training pictures do not."""


@dataclass(frozen=True)
class FittedNovelty:
    """The statistics that go into the weights file, and the limit that goes into the card."""

    statistics: FeatureStatistics
    limit: NoveltyLimit

    def tensors(self) -> dict[str, Tensor]:
        """Return the statistics by their names in the weights file."""
        return {
            PREFIX + field.name: torch.from_numpy(getattr(self.statistics, field.name)).contiguous()
            for field in fields(FeatureStatistics)
        }


def fit_network_novelty(
    network: Network, card: ModelCard, plan: Plan, workers: int
) -> FittedNovelty | None:
    """Fit novelty statistics to a trained network's features of pictures without augmentation.

    Uses up to 2,000 training and 2,000 validation pictures, drawn by the seed; for whole items,
    about as many of their regions.
    """

    def features(split: str) -> Floats:
        examples, seed = plan.split(split), plan.options.seed
        if plan.features is not None:
            return plan.features.draw(examples, _MAX_PICTURES, seed)
        drawn = Pictures(_draw_examples(examples, seed), plan.preparation, card)
        return extract_features(network, drawn, workers)

    what = "pictures" if plan.features is None else "regions"
    return fit_novelty(features("train"), features("validation"), what)


def fit_novelty(
    training: Floats, validation: Floats, what: str = "pictures"
) -> FittedNovelty | None:
    """Return statistics of the training features, and a limit set on the validation features.

    Args:
        training, validation: ``(N, F)`` features, pooled over the cells.
        what: what the rows are features of, for the card.

    Returns:
        None if there are fewer than 20 validation pictures, or the features do not vary.
    """
    feature_views = views(training)
    if len(validation) < MIN_PICTURES or not np.ptp(feature_views, axis=1).any(axis=1).all():
        return None
    mean, directions, variances = zip(*map(_fit_pca, feature_views), strict=True)
    statistics = FeatureStatistics(np.stack(mean), np.stack(directions), np.stack(variances))
    distances = statistics.distances(validation)
    thresholds = _thresholds(distances)
    inside = int((distances <= thresholds).all(axis=1).sum())
    within = "all" if inside == len(distances) else f"{100 * inside / len(distances):.1f} %"
    fitted_on = (
        f"{len(training):,} training {what}; "
        f"{within} of {len(validation):,} validation {what} lie within"
    )
    plain, unit = thresholds.tolist()
    return FittedNovelty(statistics, NoveltyLimit((plain, unit), fitted_on))


def _thresholds(distances: Floats) -> Floats:
    """Return the limits that 99.5 % of the distances ``(N, 2)`` keep in both views at once."""
    apart = np.quantile(distances, _FRACTION_WITHIN, axis=0, method="inverted_cdf")
    farther = (distances / apart).max(axis=1)
    thresholds: Floats = apart * np.quantile(farther, _FRACTION_WITHIN, method="inverted_cdf")
    return thresholds * _MARGIN


def _fit_pca(
    features: Floats,
) -> tuple[NDArray[np.float32], NDArray[np.float16], NDArray[np.float32]]:
    """Return mean, directions and variances of features ``(N, F)``, in the weights file's types.

    This is the maximum-likelihood fit of probabilistic PCA.
    """
    count, width = features.shape
    kept = min(_DIRECTIONS, count // _PICTURES_A_DIRECTION, width - 1)
    mean = features.mean(axis=0)
    centred = features - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / count)  # the smallest first
    variances = np.maximum(variances, _LEAST_VARIANCE * variances[-1])
    rest = variances[: width - kept].mean()
    return (
        mean.astype(np.float32),
        directions[:, width - kept :].T[::-1].astype(np.float16),
        np.append(variances[width - kept :][::-1], rest).astype(np.float32),
    )


def _draw_examples(examples: Sequence[Example], seed: int) -> Sequence[Example]:
    if len(examples) <= _MAX_PICTURES:
        return examples
    chosen = np.random.default_rng(seed).choice(len(examples), _MAX_PICTURES, replace=False)
    return [examples[place] for place in sorted(chosen)]
