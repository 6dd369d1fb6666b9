"""Fit calibrations that turn logits into probabilities, on pictures not used for training."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from diascope.card import Calibration, Task
from diascope.evaluation.labelled_scores import Floats

_MIN_PICTURES = 10
"""Fewest pictures with and without a label for fitting a slope to them alone."""
_MIN_FOR_BIAS = 3
"""Fewest for fitting a bias; with fewer, nothing is calibrated."""
MIN_GROUPS = 5
"""Fewest groups of pictures: what a few patients have in common says little of others."""
_ROUNDING = 1e-5
"""Fraction of the largest logit below which a spread of logits is only rounding, which differs
between machines and which a slope would amplify."""
_SHRINKAGE = 1.0
"""Weight, in pictures, of the penalty that keeps the biases of rare labels near those expected, and
the temperature, or the slope of a scarce label, near 1."""


def fit_calibration(
    logits: Floats,
    targets: Floats,
    task: Task,
    fitted_on: str,
    *,
    shift: Floats | None = None,
    fewest: int = _MIN_PICTURES,
) -> Calibration | None:
    """Return the calibration with the lowest log loss, or None if there are too few pictures.

    Multiclass: one temperature, and a bias for each label that undoes balanced sampling; that of a
    scarce label is the expected one. Binary and multilabel: slope and bias for each label, with
    Platt's targets, so that perfectly separated pictures do not get scores of 0 or 1; a scarce
    label's slope is drawn towards 1, and there is none where all logits are the same.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks"; Alexandari et al. 2020,
    "Maximum Likelihood with Bias-Corrected Calibration is Hard-To-Beat at Label Shift Adaptation";
    Platt 1999, "Probabilistic Outputs for Support Vector Machines".

    Args:
        logits: ``(N, L)``, one column for a binary task.
        targets: of the same shape, 0 or 1, NaN where unknown.
        shift: ``(L,)``, the biases that a multiclass task expects from its training; by default 0.
        fewest: pictures per label that a multiclass task needs in total.
    """
    if task == "multiclass":
        if len(logits) < fewest * logits.shape[1] or not _is_told_apart(targets):
            return None
        expected = np.zeros(logits.shape[1]) if shift is None else shift - shift.mean()
        scale, bias = _fit_temperature(logits, targets, expected)
        return Calibration("temperature", (scale,) * logits.shape[1], tuple(bias), fitted_on)
    pairs = [_fit_platt(logits[:, place], targets[:, place]) for place in range(logits.shape[1])]
    fitted = [pair for pair in pairs if pair is not None]
    if len(fitted) < len(pairs):
        return None
    scales, biases = zip(*fitted, strict=True)
    return Calibration("platt", scales, biases, fitted_on)


def calibration_shortage(targets: Floats, names: Sequence[str], task: Task) -> str:
    """Return of what there are too few validation pictures for a calibration, or an empty text.

    Args:
        targets: as for ``fit_calibration``.
        names: of the columns.
    """
    if task == "multiclass":
        count, needed = len(targets), _MIN_PICTURES * targets.shape[1]
        if count >= needed and not _is_told_apart(targets):
            return f"{_MIN_FOR_BIAS} validation pictures of two labels are needed"
        return f"{count} validation pictures, {needed} are needed" if count < needed else ""
    scarce = []
    for name, column in zip(names, targets.T, strict=True):
        having, lacking = int((column == 1).sum()), int((column == 0).sum())
        if having < _MIN_FOR_BIAS:
            scarce.append(f"{having} with {name}")
        if lacking < _MIN_FOR_BIAS:
            scarce.append(f"{lacking} without {name}")
    found = ", ".join(scarce)
    return f"of the validation pictures, {found}; {_MIN_FOR_BIAS} are needed" if scarce else ""


def _is_told_apart(targets: Floats) -> bool:
    """Whether at least two labels of a multiclass task have enough pictures for a bias."""
    return int((targets.sum(axis=0) >= _MIN_FOR_BIAS).sum()) > 1


def _fit_temperature(
    logits: Floats, targets: Floats, expected: Floats
) -> tuple[float, list[float]]:
    from scipy.special import softmax

    known = targets.sum(axis=0) >= _MIN_FOR_BIAS

    def centred(bias: Floats) -> Floats:
        """Remove the mean, to which softmax is invariant; 0 for scarce labels."""
        mean = (bias * known).sum() / max(known.sum(), 1)
        found: Floats = (bias - mean) * known
        return found

    def loss(free: Floats) -> tuple[float, Floats]:
        scale, bias = np.exp(free[0]), centred(free[1:])
        shares = softmax(logits * scale + expected + bias, axis=1)
        value = -np.log(np.clip((shares * targets).sum(axis=1), 1e-300, 1)).sum()
        wrong = shares - targets
        kept = np.append(free[0], bias)
        slope = np.append((wrong * logits).sum() * scale, centred(wrong.sum(axis=0)))
        return value + _SHRINKAGE * (kept**2).sum() / 2, slope + _SHRINKAGE * kept

    free = _minimise(loss, np.zeros(1 + logits.shape[1]))
    return float(np.exp(free[0])), [float(one) for one in expected + centred(free[1:])]


def _fit_platt(logits: Floats, targets: Floats) -> tuple[float, float] | None:
    known = ~np.isnan(targets)
    logits, targets = logits[known], targets[known]
    positives, negatives = targets.sum(), (1 - targets).sum()
    scarce = min(positives, negatives)
    if scarce < _MIN_FOR_BIAS:
        return None
    many = scarce >= _MIN_PICTURES
    sloped = float(logits.std() > _ROUNDING * np.abs(logits).max())
    width = float(logits.std()) if sloped else 1.0  # makes the fit independent of the logits' scale
    held = 0.0 if many else _SHRINKAGE * sloped
    logits = logits / width
    if many:
        targets = np.where(targets == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(free: Floats) -> tuple[float, Floats]:
        wide = logits * np.exp(free[0]) + free[1]
        value = (np.logaddexp(0, wide) - targets * wide).sum()
        wrong = np.exp(-np.logaddexp(0, -wide)) - targets
        steep = free[0] - np.log(width)  # the logarithm of the slope
        slope = sloped * (wrong * logits).sum() * np.exp(free[0]) + held * steep
        return value + held * steep**2 / 2, np.array([slope, wrong.sum()])

    free = _minimise(loss, np.zeros(2))
    return float(np.exp(free[0]) / width), float(free[1])


def _minimise(loss: Any, start: Floats) -> Floats:
    from scipy.optimize import minimize

    bounds = [(-5.0, 5.0), *[(None, None)] * (len(start) - 1)]
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found
