"""The metrics, their names and their order.

Names: ``auc`` for a binary task (its positive label), ``auc_macro`` and ``auc_<label>`` otherwise.
Metrics that are not defined, such as the AUC of a label that no item has, are left out.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from diascope.evaluation.bootstrap import (
    bootstrap_interval,
    calibration_error_interval,
    group_weights,
    to_figure,
)
from diascope.evaluation.delong import auc_interval
from diascope.evaluation.exact_limits import ExactMargins, unseen_mistakes, widen
from diascope.evaluation.group_counts import InverseGroupCounts
from diascope.evaluation.labelled_scores import Booleans, Floats, LabelledScores
from diascope.evaluation.library_metrics import ROUNDING, LibraryMetrics
from diascope.evaluation.weighted_metrics import WeightedMetrics, label_aucs

LABEL_METRICS = (
    "auc",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "average_precision",
    "sensitivity_at_specificity_80",
)


class Arithmetic(Protocol):
    """How metrics are computed: values by a library, values of many draws, or exact margins."""

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, Any]: ...

    def mean(self, known: Booleans, values: Floats) -> Any: ...

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> Any: ...


def macro_auc(targets: Floats, scores: Floats) -> float:
    """Return the mean of the defined AUCs of labels; NaN if none is defined."""
    return float(_label_mean(label_aucs(targets, scores)))


def estimate_metrics(
    scored: LabelledScores, *, draws: int = 1000, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return metric to ``value, low, high``, a 95 % interval from ``draws`` bootstrap draws.

    A metric has no interval if it is undefined in too many draws, or rests on one group. If no draw
    changes it, it has one only if it is a fraction of 0 or 1, see ``exact_limits``. Metrics that
    rest on few groups and calibration errors have intervals of other kinds, see
    ``bootstrap_interval``, ``auc_interval`` and ``calibration_error_interval``.
    """
    values = compute_metrics(scored, LibraryMetrics())
    drawn = bootstrap_metrics(scored, draws=draws, seed=seed)
    groups = np.array(scored.groups)
    margins = compute_metrics(scored, ExactMargins(groups, len(scored.measured)))
    inverses = compute_metrics(scored, InverseGroupCounts(groups))
    ends = {"brier": (0, 1), "ece": (0, 1), "set_size": _set_size_ends(scored)}
    if scored.task == "multiclass":  # a sum over the labels
        inverses["brier"], ends["brier"] = inverses["accuracy"], (0, 2)
    aucs = _auc_intervals(scored)
    distances = _each_draw(
        lambda weighted: _calibration_errors(scored, weighted.calibration_distance),
        scored,
        draws,
        seed,
    )

    def bounds(name: str) -> tuple[float, float]:
        if (interval := aucs.get(name)) is not None:
            return interval
        if name in distances:
            return calibration_error_interval(values[name], drawn[name], distances[name])
        low, high = bootstrap_interval(
            values[name], drawn[name], 1 / inverses[name], ends=ends.get(name, (0, 1))
        )
        # a set's size is not a fraction, and the limit of an AUC is too conservative for a mean
        mean = name in ("auc_macro", "average_precision_macro")
        exact = name != "set_size" and not (mean and high - low > ROUNDING)
        return widen(values[name], (low, high), margins[name]) if exact else (low, high)

    intervals = {name: bounds(name) for name, value in values.items() if not np.isnan(value)}
    # of scores near 0 and 1 without a mistake, no draw shows what one would cost
    unseen = unseen_mistakes(margins.get("accuracy"))
    for name in ("brier", "ece"):
        if name in intervals:
            (low, high), (_, worst) = intervals[name], ends[name]
            intervals[name] = low, max(high, min(values[name] + worst * unseen, worst))
    return {name: to_figure(values[name], interval) for name, interval in intervals.items()}


def _auc_intervals(scored: LabelledScores) -> dict[str, tuple[float, float] | None]:
    """Return the intervals of the labels' AUCs that rest on few groups."""
    groups, found = np.array(scored.groups), {}
    for name, column in scored.measured.items():
        known, truth, scores, _ = scored.label(column)
        key = "auc" if scored.task == "binary" else f"auc_{name}"
        found[key] = auc_interval(truth, scores, groups[known].tolist())
    return found


def bootstrap_metrics(scored: LabelledScores, *, draws: int, seed: int) -> dict[str, Floats]:
    """Return metric to its ``(draws,)`` values in a bootstrap over groups."""
    return _each_draw(lambda weighted: compute_metrics(scored, weighted), scored, draws, seed)


def _each_draw(
    measure: Callable[[WeightedMetrics], dict[str, Floats]],
    scored: LabelledScores,
    draws: int,
    seed: int,
) -> dict[str, Floats]:
    # the table itself is the first draw of each part, for _label_mean and calibration_distance
    once = np.ones((1, len(scored)))
    parts = [
        measure(WeightedMetrics(np.concatenate([once, part])))
        for part in group_weights(scored.groups, draws=draws, seed=seed)
    ]
    return {name: np.concatenate([part[name][1:] for part in parts]) for name in parts[0]}


def compute_metrics(scored: LabelledScores, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return every metric of the task by name, the most important first."""
    labels = {
        name: arithmetic.label(*scored.label(column)) for name, column in scored.measured.items()
    }
    errors = _calibration_errors(scored, arithmetic.calibration_error)
    shared = {
        "brier": _brier(scored, arithmetic),
        "ece": errors.pop("ece"),
        **_set_metrics(scored, arithmetic),
    }
    if scored.task == "binary":
        (only,) = labels.values()
        balanced = {"balanced_accuracy": (only["sensitivity"] + only["specificity"]) / 2}
        accuracy = {"accuracy": _accuracy(scored, arithmetic)}
        return {"auc": only["auc"]} | balanced | accuracy | only | shared
    metrics = {
        "auc_macro": _label_mean([label["auc"] for label in labels.values()]),
        "balanced_accuracy": _label_mean([_recall(scored, label) for label in labels.values()]),
    }
    if scored.task == "multiclass":
        metrics["accuracy"] = _accuracy(scored, arithmetic)
    metrics["average_precision_macro"] = _label_mean(
        [x["average_precision"] for x in labels.values()]
    )
    metrics |= shared
    for metric in LABEL_METRICS:
        metrics |= {f"{metric}_{name}": label[metric] for name, label in labels.items()}
    return metrics | errors


def _calibration_errors(scored: LabelledScores, error: Callable[..., Any]) -> dict[str, Any]:
    """Return the mean calibration error as ``ece``, and for multilabel also each label's."""
    each = {f"ece_{name}": error(*table) for name, table in scored.confidences().items()}
    mean = {"ece": _label_mean(_two_sided(scored, list(each.values())))}
    return mean | each if scored.task == "multilabel" else mean


def _recall(scored: LabelledScores, label: dict[str, Any]) -> Any:
    """Return a label's contribution to the balanced accuracy."""
    if scored.task == "multiclass":
        return label["sensitivity"]
    return (label["sensitivity"] + label["specificity"]) / 2


def _accuracy(scored: LabelledScores, arithmetic: Arithmetic) -> Any:
    known = scored.complete
    correct = (scored.predicted == (scored.targets == 1)).all(axis=1)
    return arithmetic.mean(known, correct[known].astype(np.float64))


def _brier(scored: LabelledScores, arithmetic: Arithmetic) -> Any:
    """Return the mean squared error of the scores (Brier 1950).

    Multiclass: summed over the labels, 0 to 2. Binary: of the positive label, 0 to 1. Multilabel:
    mean over the labels, 0 to 1.
    """
    labels = map(scored.label, scored.measured.values())
    each = [arithmetic.mean(known, (scores - truth) ** 2) for known, truth, scores, _ in labels]
    return sum(each) if scored.task == "multiclass" else _label_mean(_two_sided(scored, each))


def _two_sided(scored: LabelledScores, values: list[Any]) -> list[Any]:
    """Return the values, one for each label of a multilabel task, that count in a mean.

    A label that no item has, or every item, is left out: the table may not say who has it. If there
    is no other label, all count.
    """
    if scored.task != "multilabel":
        return values
    truths = [truth for _, truth, _, _ in map(scored.label, scored.measured.values())]
    kept = [
        value
        for value, truth in zip(values, truths, strict=True)
        if truth.any() and not truth.all()
    ]
    return kept or values


def _set_metrics(scored: LabelledScores, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return the fraction of sets that contain every label of their item, and their mean size."""
    if scored.sets is None:
        return {}
    known = scored.complete
    correct = (scored.sets | (scored.targets != 1)).all(axis=1)
    return {
        "set_coverage": arithmetic.mean(known, correct[known].astype(np.float64)),
        "set_size": arithmetic.mean(known, scored.sets.sum(axis=1)[known].astype(np.float64)),
    }


def _set_size_ends(scored: LabelledScores) -> tuple[float, float]:
    """Return the least and the greatest size of a set; sets of other projects may be empty."""
    sizes = np.ones(1) if scored.sets is None else scored.sets.sum(axis=1)
    return min(1, int(sizes.min())), len(scored.names)


def _label_mean(each: list[Any]) -> Any:
    """Return the mean of the defined values (numbers, or arrays of draws) over labels.

    The first draw, which is the table itself, decides which labels are defined. A draw in which one
    of these is not defined has no mean, since the mean of the others would be a different metric.
    """
    stacked = np.stack([np.atleast_1d(np.asarray(part, np.float64)) for part in each])
    defined = stacked[~np.isnan(stacked[:, 0])]
    if not len(defined):
        return np.full(np.shape(each[0]), np.nan)
    return defined.mean(axis=0).reshape(np.shape(each[0]))
