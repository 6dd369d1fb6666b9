"""What held-out pictures say of a model, with 95 % intervals over groups."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import Task

Floats = NDArray[np.float64]


def macro_auc(targets: Floats, scores: Floats) -> float:
    """Return the mean over labels of the area under the ROC curve, one label against the rest.

    Labels of which only one kind of example is present are left out; NaN if none remains.
    """
    return _mean(label_aucs(targets, scores))


def label_aucs(targets: Floats, scores: Floats) -> list[float]:
    """Return each label's area under the ROC curve, NaN where it is not defined."""
    from scipy.stats import rankdata

    positives = targets.sum(axis=0)
    pairs = positives * (len(targets) - positives)
    above = (rankdata(scores, axis=0) * targets).sum(axis=0) - positives * (positives + 1) / 2
    return [float(n / of) if of else float("nan") for n, of in zip(above, pairs, strict=True)]


def measured(
    targets: Floats,
    scores: Floats,
    groups: Sequence[str],
    names: Sequence[str],
    task: Task,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Return metric to ``value, low, high``: the interval from ``draws`` bootstraps of groups.

    Args:
        targets, scores: ``(N, number of labels)``.
        groups: N names; pictures of one group are drawn together.
    """
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    random = np.random.default_rng(seed)
    value = _metrics(targets, scores, names, task)
    drawn: dict[str, list[float]] = {name: [] for name in value}
    for _ in range(draws):
        chosen = random.integers(len(members), size=len(members))
        rows = np.concatenate([members[index] for index in chosen])
        for name, number in _metrics(targets[rows], scores[rows], names, task).items():
            drawn[name].append(number)
    return {
        name: {
            "value": round(number, 4),
            "low": round(float(np.nanpercentile(drawn[name], 2.5)), 4),
            "high": round(float(np.nanpercentile(drawn[name], 97.5)), 4),
        }
        for name, number in value.items()
        if not np.isnan(number)
    }


def _mean(areas: Sequence[float]) -> float:
    defined = [area for area in areas if not np.isnan(area)]
    return float(np.mean(defined)) if defined else float("nan")


def _metrics(targets: Floats, scores: Floats, names: Sequence[str], task: Task) -> dict[str, float]:
    areas = label_aucs(targets, scores)
    if task == "binary":
        found: dict[str, Any] = {"auc": areas[1]}
    else:
        each = {f"auc_{name}": area for name, area in zip(names, areas, strict=True)}
        found = {"auc_macro": _mean(areas), **each}
    if task != "multilabel":
        truth, answer = targets.argmax(axis=1), scores.argmax(axis=1)
        recalls = [np.mean(answer[truth == label] == label) for label in np.unique(truth)]
        found["accuracy"] = float(np.mean(truth == answer))
        found["balanced_accuracy"] = float(np.mean(recalls))
    return {name: float(number) for name, number in found.items()}
