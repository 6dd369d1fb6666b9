"""The held-out pictures on which a model's mistakes are worst."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.evaluation.labelled_scores import Booleans, Floats, LabelledScores


@dataclass(frozen=True, eq=False)
class Mistake:
    """One wrong answer.

    Attributes:
        pixels: ``(h, w, 3)`` uint8, the preprocessed picture.
        truth, answer: titles of labels; for multilabel, of the label with the highest loss.
        score: of the answer, in [0, 1].
    """

    name: str
    pixels: NDArray[np.uint8]
    truth: str
    answer: str
    score: float


def worst_mistakes(
    card: ModelCard,
    answers: LabelledScores,
    picture: Callable[[int], NDArray[np.float32]],
    count: int = 24,
) -> list[Mistake]:
    """Return the wrong answers with the highest loss, the worst first.

    Args:
        picture: returns the n-th picture, ``(C, H, W)`` in [0, 1], as ``Pictures.picture`` does.
    """
    targets, scores, decided = answers.targets, answers.scores, answers.predicted
    wrong = (decided != targets) & ~np.isnan(targets)
    right = np.where(targets == 1, scores, 1 - scores)
    losses = np.where(wrong, -np.log(np.clip(right, 1e-12, 1)), -1.0)
    if card.task != "multilabel":
        losses = np.where(targets == 1, losses, -1.0)  # only the true label's loss
    worst = losses.max(axis=1, initial=-1.0)
    order = np.argsort(-worst, kind="stable")[:count]
    found = []
    for row in (int(row) for row in order if worst[row] >= 0):
        label = int(losses[row].argmax())
        truth, answer, score = _describe(card, label, decided[row], scores[row])
        found.append(Mistake(answers.items[row], _to_rgb(picture(row)), truth, answer, score))
    return found


def _describe(
    card: ModelCard, label: int, decided: Booleans, scores: Floats
) -> tuple[str, str, float]:
    """Return truth, answer, and the answer's score; ``label`` is the wrongly predicted label."""
    titles = [label.title or label.name for label in card.labels]
    if card.task != "multilabel":
        answer = int(decided.argmax())
        return titles[label], titles[answer], float(scores[answer])
    yes, no = titles[label], f"not {titles[label]}"
    if decided[label]:
        return no, yes, float(scores[label])
    return yes, no, float(1 - scores[label])


def _to_rgb(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels = np.rint(np.moveaxis(picture, 0, 2) * 255).clip(0, 255).astype(np.uint8)
    return np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels
