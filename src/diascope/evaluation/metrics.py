"""Which metrics there are, what they are called and in which order they are read.

Names: ``auc`` for a binary task (its positive label), ``auc_macro`` and ``auc_<label>`` otherwise.
What is not defined, such as the AUC of a label that no item has, is left out.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from diascope.evaluation.bootstrap import (
    calibration_error_interval,
    group_weights,
    percentile_interval,
    to_figure,
)
from diascope.evaluation.exact_limits import ExactMargins, widen
from diascope.evaluation.labelled_scores import Booleans, Floats, Scored
from diascope.evaluation.library_metrics import ROUNDING, Library
from diascope.evaluation.weighted_metrics import Weighted, label_aucs

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
    """How a metric is computed: once by a library, or for many draws at once."""

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, Any]: ...

    def mean(self, known: Booleans, values: Floats) -> Any: ...

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> Any: ...


def macro_auc(targets: Floats, scores: Floats) -> float:
    """Return the mean of the labels' AUCs that are defined; NaN if none is."""
    return float(_label_mean(label_aucs(targets, scores)))


def estimate_metrics(
    scored: Scored, *, draws: int = 1000, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return metric to ``value, low, high``: the interval from ``draws`` bootstraps of groups.

    What too few of the draws measure has no interval, nor has what none of them changes, unless it
    is a share of 0 or 1: see ``exact_limits``.
    """
    values = compute_metrics(scored, Library())
    drawn = bootstrap_metrics(scored, draws=draws, seed=seed)
    off = compute_metrics(scored, ExactMargins(np.array(scored.groups), len(scored.measured)))
    away = _each_draw(
        lambda weighted: _calibration_errors(scored, weighted.calibration_away), scored, draws, seed
    )

    def bounds(name: str) -> tuple[float, float]:
        if name in away:
            return calibration_error_interval(values[name], drawn[name], away[name])
        low, high = percentile_interval(drawn[name])
        # a set's size is no share, and of an AUC the limit is too careful to go into a mean
        mean = name in ("auc_macro", "average_precision_macro")
        alone = name == "set_size" or (mean and high - low > ROUNDING)
        return (low, high) if alone else widen(values[name], (low, high), off[name])

    return {
        name: to_figure(value, bounds(name))
        for name, value in values.items()
        if not np.isnan(value)
    }


def bootstrap_metrics(scored: Scored, *, draws: int, seed: int) -> dict[str, Floats]:
    """Return metric to its ``(draws,)`` values in bootstraps of groups."""
    return _each_draw(lambda weighted: compute_metrics(scored, weighted), scored, draws, seed)


def _each_draw(
    measure: Callable[[Weighted], dict[str, Floats]], scored: Scored, draws: int, seed: int
) -> dict[str, Floats]:
    once = np.ones((1, len(scored)))  # the first draw of each part: see ``_label_mean``
    parts = [
        measure(Weighted(np.concatenate([once, part])))
        for part in group_weights(scored.groups, draws=draws, seed=seed)
    ]
    return {name: np.concatenate([part[name][1:] for part in parts]) for name in parts[0]}


def compute_metrics(scored: Scored, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return every metric of the task by name, the most telling first."""
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
    found = {
        "auc_macro": _label_mean([label["auc"] for label in labels.values()]),
        "balanced_accuracy": _label_mean([_recall(scored, label) for label in labels.values()]),
    }
    if scored.task == "multiclass":
        found["accuracy"] = _accuracy(scored, arithmetic)
    found["average_precision_macro"] = _label_mean(
        [x["average_precision"] for x in labels.values()]
    )
    found |= shared
    for metric in LABEL_METRICS:
        found |= {f"{metric}_{name}": label[metric] for name, label in labels.items()}
    return found | errors


def _calibration_errors(scored: Scored, error: Callable[..., Any]) -> dict[str, Any]:
    """Return the mean calibration error as ``ece``, and each label's if several have one."""
    each = {f"ece_{name}": error(*table) for name, table in scored.confidences().items()}
    mean = {"ece": _label_mean(list(each.values()))}
    return mean | each if scored.task == "multilabel" else mean


def _recall(scored: Scored, label: dict[str, Any]) -> Any:
    """Return a label's part of the balanced accuracy."""
    if scored.task == "multiclass":
        return label["sensitivity"]
    return (label["sensitivity"] + label["specificity"]) / 2


def _accuracy(scored: Scored, arithmetic: Arithmetic) -> Any:
    known = scored.complete
    right = (scored.predicted == (scored.targets == 1)).all(axis=1)
    return arithmetic.mean(known, right[known].astype(np.float64))


def _brier(scored: Scored, arithmetic: Arithmetic) -> Any:
    """Return the mean squared error of the scores (Brier 1950).

    Multiclass: summed over the labels, 0 to 2. Binary: of the positive label. Multilabel: mean over
    the labels. Both 0 to 1.
    """
    labels = map(scored.label, scored.measured.values())
    each = [arithmetic.mean(known, (scores - truth) ** 2) for known, truth, scores, _ in labels]
    return sum(each) if scored.task == "multiclass" else _label_mean(each)


def _set_metrics(scored: Scored, arithmetic: Arithmetic) -> dict[str, Any]:
    """Return the share of sets that hold every label of their item, and their mean size."""
    if scored.sets is None:
        return {}
    known = scored.complete
    correct = (scored.sets | (scored.targets != 1)).all(axis=1)
    return {
        "set_coverage": arithmetic.mean(known, correct[known].astype(np.float64)),
        "set_size": arithmetic.mean(known, scored.sets.sum(axis=1)[known].astype(np.float64)),
    }


def _label_mean(each: list[Any]) -> Any:
    """Return the mean over labels, numbers or arrays of draws, of those that are defined.

    Of draws, the first says which they are; another that lacks one of them has no mean, for that
    of the rest is another figure.
    """
    stacked = np.stack([np.atleast_1d(np.asarray(part, np.float64)) for part in each])
    defined = stacked[~np.isnan(stacked[:, 0])]
    if not len(defined):
        return np.full(np.shape(each[0]), np.nan)
    return defined.mean(axis=0).reshape(np.shape(each[0]))
