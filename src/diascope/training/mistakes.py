"""The held-out pictures that a model is most wrong about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.decision import decide

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mistake:
    """One wrong answer.

    Attributes:
        pixels: ``(h, w, 3)`` uint8, the picture as the network got it.
        truth, answer: titles of labels; with multilabel of the one label that is most wrong.
        score: of the answer, in [0, 1].
    """

    name: str
    pixels: NDArray[np.uint8]
    truth: str
    answer: str
    score: float


def worst_mistakes(
    card: ModelCard,
    names: Sequence[str],
    targets: Floats,
    scores: Floats,
    picture: Callable[[int], NDArray[np.float32]],
    count: int = 24,
) -> list[Mistake]:
    """Return the wrong answers with the highest loss, the worst first.

    Args:
        names: of N pictures.
        targets: ``(N, number of labels)`` of 0 and 1, NaN where unknown.
        scores: ``(N, number of labels)`` in [0, 1].
        picture: gives the n-th as ``(C, H, W)`` in [0, 1], as ``Pictures.picture`` does.
    """
    decided = np.array([_decided(row, card) for row in scores], np.float64).reshape(targets.shape)
    wrong = (decided != targets) & ~np.isnan(targets)
    right = np.where(targets == 1, scores, 1 - scores)
    losses = np.where(wrong, -np.log(np.clip(right, 1e-12, 1)), -1.0)
    if card.task != "multilabel":
        losses = np.where(targets == 1, losses, -1.0)  # the loss of the label that was true
    worst = losses.max(axis=1, initial=-1.0)
    order = np.argsort(-worst, kind="stable")[:count]
    found = []
    for row in (int(row) for row in order if worst[row] >= 0):
        label = int(losses[row].argmax())
        truth, answer, score = _told(card, label, decided[row], scores[row])
        found.append(Mistake(names[row], _shown(picture(row)), truth, answer, score))
    return found


def _decided(row: Floats, card: ModelCard) -> list[bool]:
    scores: Mapping[str, float] = dict(zip(card.names, row.tolist(), strict=True))
    chosen = decide(scores, card)
    return [name in chosen for name in card.names]


def _told(card: ModelCard, label: int, decided: Floats, scores: Floats) -> tuple[str, str, float]:
    """Return truth, answer, and the answer's score; ``label`` is the one that is wrong."""
    titles = [label.title or label.name for label in card.labels]
    if card.task != "multilabel":
        answer = int(decided.argmax())
        return titles[label], titles[answer], float(scores[answer])
    yes, no = titles[label], f"not {titles[label]}"
    if decided[label]:
        return no, yes, float(scores[label])
    return yes, no, float(1 - scores[label])


def _shown(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels = np.rint(np.moveaxis(picture, 0, 2) * 255).clip(0, 255).astype(np.uint8)
    return np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels
