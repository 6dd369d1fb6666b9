"""By how much an engine's answers differ from the reference's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.decision import decide, scores_from_logits, softmax
from diascope.engines.outputs import Outputs
from diascope.novelty import FeatureStatistics


@dataclass(frozen=True, slots=True)
class Parity:
    """What an engine changes of the answers for some pictures.

    Attributes:
        change: by how much a score moves at most; infinity where a number or a cell is missing.
        flips: how many decisions are others.
        warnings: how many pictures are no longer, or only now, told to be unlike the training's.
    """

    change: float = 0.0
    flips: int = 0
    warnings: int = 0

    def within(self, tolerance: float) -> bool:
        """Say whether the engine may be used: no score moves by more, and nothing flips."""
        return self.change <= tolerance and not self.flips and not self.warnings

    def __str__(self) -> str:
        if not math.isfinite(self.change):
            return "gives something that is no number, or maps of another size"
        counts = {"decision": self.flips, "warning": self.warnings}
        flips = [f"{n} {what}s" if n > 1 else f"a {what}" for what, n in counts.items() if n]
        told = f", flips {' and '.join(flips)}" if flips else ""
        return f"moves a score by {self.change:.2g}{told}"


def compare_outputs(
    right: Outputs,
    other: Outputs,
    card: ModelCard,
    statistics: FeatureStatistics | None = None,
) -> Parity:
    """Compare what an engine gives for some pictures with what the reference gives for them.

    For heads that weigh regions, the share of each picture among all counts as a score.

    Args:
        statistics: of the training's features; None if the card has no limit for them.
    """
    given = (other.logits, other.maps, other.pooled, other.attention)
    numbers = all(np.isfinite(each).all() for each in given if each is not None)
    if not numbers or other.maps.shape != right.maps.shape:
        return Parity(math.inf)
    before, after = scores_from_logits(right.logits, card), scores_from_logits(other.logits, card)
    flips = sum(
        _decided(one, card) != _decided(two, card) for one, two in zip(before, after, strict=True)
    )
    change = float(np.abs(before - after).max())
    if right.attention is not None and other.attention is not None:
        both = (right.attention, other.attention)
        ours, theirs = (softmax(each.astype(np.float64)) for each in both)
        change = max(change, float(np.abs(ours - theirs).max()))
    warnings = 0
    if statistics is not None and card.novelty is not None:
        is_new, seems_new = (
            statistics.novelties(each.pooled, card.novelty) > 1 for each in (right, other)
        )
        warnings = int((is_new != seems_new).sum())
    return Parity(change, flips, warnings)


def combine_parities(parts: Sequence[Parity]) -> Parity:
    """Return the parity over the pictures of all parts."""
    return Parity(
        max(part.change for part in parts),
        sum(part.flips for part in parts),
        sum(part.warnings for part in parts),
    )


def _decided(row: NDArray[np.float64], card: ModelCard) -> tuple[str, ...]:
    return decide(dict(zip(card.names, row.tolist(), strict=True)), card)
