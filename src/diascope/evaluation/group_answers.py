"""One answer for each group of items, such as all pictures of a patient."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.decision import decide_rows, without_operating_points
from diascope.display_text import format_some
from diascope.errors import UsageError
from diascope.evaluation.labelled_scores import Floats, LabelledScores
from diascope.sample import ScoreKind


def answer_groups(scored: LabelledScores, card: ModelCard) -> LabelledScores:
    """Return the answers of groups: each has the mean scores of its items, decided by the card.

    A label of a group is that of its items, and unknown if none of them has it known. Further
    columns are empty for groups whose items differ in them. Groups have no prediction sets, and
    their scores are no calibrated probabilities: both were fitted to single items.

    Raises:
        UsageError: if items of a group have different labels.
    """
    names = list(dict.fromkeys(scored.groups))
    place = {name: number for number, name in enumerate(names)}
    rows = np.array([place[group] for group in scored.groups], np.intp)
    targets = _means(scored.targets, rows, len(names))
    if mixed := [
        name for name, row in zip(names, targets, strict=True) if ((row > 0) & (row < 1)).any()
    ]:
        raise UsageError(
            f"--per-group: items of {format_some(mixed)} have different labels, so these groups "
            "have no true answer",
            hint="Give such items other groups, or measure items.",
        )
    is_share = scored.score_kind == "share"
    score_kind: ScoreKind = "softmax" if card.task == "multiclass" else "sigmoid"
    scores = np.clip(_means(scored.scores, rows, len(names)), 0, 1)
    return replace(
        scored,
        items=tuple(names),
        groups=tuple(names),
        targets=targets,
        scores=scores,
        predicted=decide_rows(scores, without_operating_points(card) if is_share else card),
        score_kind="share" if is_share else score_kind,
        sets=None,
        coverage=None,
        columns={name: _agreed(texts, rows, len(names)) for name, texts in scored.columns.items()},
    )


def _means(values: Floats, rows: NDArray[np.intp], count: int) -> Floats:
    """Return ``(count, L)``: the means of each group's known values, of ``(N, L)``; NaN if none."""
    known = ~np.isnan(values)
    sums, counts = np.zeros((2, count, values.shape[1]))
    np.add.at(sums, rows, np.where(known, values, 0))
    np.add.at(counts, rows, known)
    with np.errstate(invalid="ignore"):
        means: Floats = sums / counts
    return means


def _agreed(texts: Sequence[str], rows: NDArray[np.intp], count: int) -> tuple[str, ...]:
    """Return the text of each group, or an empty one where its items differ."""
    found: list[set[str]] = [set() for _ in range(count)]
    for text, row in zip(texts, rows, strict=True):
        found[row].add(text)
    return tuple(each.pop() if len(each) == 1 else "" for each in found)
