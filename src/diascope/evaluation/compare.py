"""Compare two models on the same items: is their difference larger than chance explains?"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from diascope.card import ModelCard
from diascope.errors import UsageError
from diascope.evaluation.bootstrap import bootstrap_interval
from diascope.evaluation.delong import Difference, delong
from diascope.evaluation.group_counts import InverseGroupCounts
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.library_metrics import ROUNDING, LibraryMetrics
from diascope.evaluation.metrics import bootstrap_metrics, compute_metrics


@dataclass(frozen=True)
class Comparison:
    """How much better the first of two models is.

    Attributes:
        title: name of the second model.
        items: number of items that both answered.
        labels: label to the difference of its AUCs by DeLong's test, without labels of which too
            few groups are positive or negative.
        metrics: metric (AUC or its mean over labels, and balanced accuracy) to ``difference, low,
            high``, with an interval from a bootstrap over groups in which both models get the same
            draws. Without undefined metrics; only ``difference`` if it is the same in all draws,
            undefined in more than nine tenths, or rests on one group.
        warnings: what readers should know of the second model.
    """

    title: str
    items: int
    labels: Mapping[str, Difference]
    metrics: Mapping[str, Mapping[str, float]]
    warnings: Sequence[str] = ()


def compare(
    one: LabelledScores,
    other: LabelledScores,
    *,
    title: str,
    draws: int = 1000,
    seed: int = 0,
    warnings: Sequence[str] = (),
) -> Comparison:
    """Compare two models on the items that both answered.

    Args:
        title, warnings: of the second model.
        draws: number of bootstrap draws of groups for each 95 % interval.

    Raises:
        UsageError: if their tasks or labels differ, or they share no item.
    """
    check_comparable(one, other)
    one, other = _pair(one, other)
    labels, overall = _by_label(one, other), _overall(one, other, draws, seed)
    return Comparison(title, len(one), labels, overall, warnings)


def check_comparable(one: LabelledScores | ModelCard, other: LabelledScores | ModelCard) -> None:
    """Raise a UsageError unless two models have the same task and labels, in any order."""
    if (sorted(one.names), one.task) != (sorted(other.names), other.task):
        raise UsageError(
            f"cannot be compared: one model is {one.task} with the labels {', '.join(one.names)}; "
            f"the other is {other.task} with {', '.join(other.names)}"
        )


def _pair(one: LabelledScores, other: LabelledScores) -> tuple[LabelledScores, LabelledScores]:
    """Return the items that both answered, with rows and labels in the same order.

    Several rows of one picture differ only in their true labels, so any of them has its scores.
    """
    places = {item: place for place, item in enumerate(other.items)}
    rows = [place for place, item in enumerate(one.items) if item in places]
    if not rows:
        raise UsageError("cannot be compared: there is no item that both models answered")
    mine, theirs = one.take(np.array(rows)), [places[one.items[row]] for row in rows]
    cells = np.ix_(theirs, [other.names.index(name) for name in one.names])
    scores, predicted = other.scores[cells], other.predicted[cells]
    return mine, replace(mine, scores=scores, predicted=predicted, sets=None)


def _by_label(one: LabelledScores, other: LabelledScores) -> dict[str, Difference]:
    differences = {}
    for name, column in one.measured.items():
        truth = one.targets[:, column]
        known = ~np.isnan(truth)
        scores = one.scores[known, column], other.scores[known, column]
        groups = np.array(one.groups)[known].tolist()
        with suppress(ValueError):  # labels of too few groups are left out
            differences[name] = delong(truth[known], *scores, groups)
    return differences


def _overall(
    one: LabelledScores, other: LabelledScores, draws: int, seed: int
) -> dict[str, dict[str, float]]:
    auc = "auc" if one.task == "binary" else "auc_macro"
    values, others = (compute_metrics(each, LibraryMetrics()) for each in (one, other))
    drawn, drawn_others = (bootstrap_metrics(each, draws=draws, seed=seed) for each in (one, other))
    inverses = compute_metrics(one, InverseGroupCounts(np.array(one.groups)))
    differences = {}
    for name in (auc, "balanced_accuracy"):
        difference = float(values[name] - others[name])
        if np.isnan(difference):
            continue
        low, high = bootstrap_interval(
            difference, drawn[name] - drawn_others[name], 1 / inverses[name], ends=(-1, 1)
        )
        varies = high - low >= ROUNDING  # not if both models make no mistake, or of one group
        differences[name] = {"difference": difference} | (
            {"low": low, "high": high} if varies else {}
        )
    return differences
