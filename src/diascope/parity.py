"""Compare the answers of an engine with those of the reference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diascope.card import ModelCard
from diascope.decision import decide_rows, scores_from_logits, softmax
from diascope.engines.outputs import Outputs
from diascope.novelty import FeatureStatistics


@dataclass(frozen=True, slots=True)
class Parity:
    """The differences between an engine's answers and the reference's, for some pictures.

    Attributes:
        change: the largest difference of a score; infinity if a value is not finite or the maps
            have another size.
        flips: the number of decisions that differ.
        warnings: the number of pictures with a novelty warning from only one of the two.
    """

    change: float = 0.0
    flips: int = 0
    warnings: int = 0

    def within(self, tolerance: float) -> bool:
        """Return whether no score changes by more than the tolerance and nothing flips."""
        return self.change <= tolerance and not self.flips and not self.warnings

    def __str__(self) -> str:
        if not math.isfinite(self.change):
            return "gives values that are not numbers, or maps of another size"
        counts = {"decision": self.flips, "warning": self.warnings}
        flips = [f"{n} {what}s" if n > 1 else f"a {what}" for what, n in counts.items() if n]
        flipped = f", flips {' and '.join(flips)}" if flips else ""
        return f"moves a score by {self.change:.2g}{flipped}"


def compare_outputs(
    reference: Outputs,
    other: Outputs,
    card: ModelCard,
    statistics: FeatureStatistics | None = None,
) -> Parity:
    """Compare an engine's outputs for some pictures with the reference's.

    For heads with attention, the weight of each picture among all counts as a score.

    Args:
        reference: the outputs of the reference.
        other: the outputs of the engine.
        statistics: of the training pictures' features; None if the card has no novelty limit.
    """
    arrays = (other.logits, other.maps, other.pooled, other.attention)
    finite = all(np.isfinite(each).all() for each in arrays if each is not None)
    if not finite or other.maps.shape != reference.maps.shape:
        return Parity(math.inf)
    before, after = (
        scores_from_logits(reference.logits, card),
        scores_from_logits(other.logits, card),
    )
    flips = int((decide_rows(before, card) != decide_rows(after, card)).any(axis=1).sum())
    change = float(np.abs(before - after).max())
    if reference.attention is not None and other.attention is not None:
        both = (reference.attention, other.attention)
        ours, theirs = (softmax(each.astype(np.float64)) for each in both)
        change = max(change, float(np.abs(ours - theirs).max()))
    warnings = 0
    if statistics is not None and card.novelty is not None:
        is_new, seems_new = (
            statistics.novelties(each.pooled, card.novelty) > 1 for each in (reference, other)
        )
        warnings = int((is_new != seems_new).sum())
    return Parity(change, flips, warnings)


def combine_parities(parts: Sequence[Parity]) -> Parity:
    """Return the parity over the pictures of all parts together."""
    return Parity(
        max(part.change for part in parts),
        sum(part.flips for part in parts),
        sum(part.warnings for part in parts),
    )
