"""Calibration, operating points and prediction sets of a card, fitted on validation pictures."""

from dataclasses import replace

import numpy as np

from diascope.card import ModelCard
from diascope.decision import decide_rows, prediction_set, scores_from_logits
from diascope.evaluation.answers import membership_matrix
from diascope.evaluation.labelled_rows import columns_of
from diascope.evaluation.labelled_scores import Floats, LabelledScores
from diascope.training.calibrate import MIN_GROUPS, fit_calibration
from diascope.training.conformal import fit_conformal
from diascope.training.dataset import Pictures
from diascope.training.operating_points import Rule

_FOLDS = 5


def truth_of(pictures: Pictures, card: ModelCard) -> Floats:
    """Return the targets ``(N, number of labels)``: 0 or 1, NaN where unknown."""
    truth = pictures.targets.astype(np.float64)
    return np.concatenate([1 - truth, truth], axis=1) if card.task == "binary" else truth


def add_decisions(
    card: ModelCard, rule: Rule, pictures: Pictures, logits: Floats, shift: Floats | None = None
) -> ModelCard:
    """Return the card with calibration, operating points and prediction sets.

    Args:
        pictures: of validation.
        logits: the network's answers to them.
        shift: as for ``fit_calibration``.
    """
    groups = len({example.group for example in pictures.examples})
    fitted_on = (
        f"validation: {len(pictures)} pictures of {groups} groups, which chose the epoch too"
    )
    calibration = None
    if groups >= MIN_GROUPS:
        targets = pictures.targets.astype(np.float64)
        calibration = fit_calibration(logits, targets, card.task, fitted_on, shift=shift)
    if calibration is not None:
        card = replace(card, calibration=calibration, score_kind="probability")
    truth, scores = truth_of(pictures, card), scores_from_logits(logits, card)
    points = list(rule.points(truth, scores))
    if card.task == "binary":
        points[0] = None  # the negative label is predicted if the positive one is not
    if card.task == "multiclass" and any(points):
        least = min(filter(None, points))  # for labels without pictures, which are rare as well
        points = [point or least for point in points]
    labels = tuple(
        replace(label, operating_point=point)
        for label, point in zip(card.labels, points, strict=True)
    )
    lacking = [label.name for label in labels[-card.outputs :] if label.operating_point is None]
    rule_text = rule.describe(card.task, calibrated=calibration is not None)
    if len(lacking) == card.outputs:
        rule_text = ""  # the rule chose no point
    elif lacking:
        rule_text += f"; {', '.join(lacking)} from 0.5, for want of pictures with or without it"
    return replace(
        card,
        labels=labels,
        operating_rule=rule_text,
        conformal={}
        if card.task == "multilabel"
        else fit_conformal(truth, _cross_fitted_scores(card, pictures, logits, shift), groups),
    )


def _cross_fitted_scores(
    card: ModelCard, pictures: Pictures, logits: Floats, shift: Floats | None
) -> Floats:
    """Return scores from calibrations fitted on other groups, as in a run.

    Thresholds from scores of the calibration's own pictures would promise too much coverage. If the
    other groups have too few pictures for a calibration, the card's calibration is used.
    """
    _, codes = np.unique([example.group for example in pictures.examples], return_inverse=True)
    folds, scores = codes % _FOLDS, scores_from_logits(logits, card)
    if card.calibration is None:
        return scores
    targets, found = pictures.targets.astype(np.float64), scores.copy()
    for fold in np.unique(folds):
        held_out = folds == fold
        rest = logits[~held_out], targets[~held_out]
        other = fit_calibration(*rest, card.task, "", shift=shift, fewest=1)
        if other is None:
            return scores
        found[held_out] = scores_from_logits(logits[held_out], replace(card, calibration=other))
    return found


def score_pictures(card: ModelCard, pictures: Pictures, logits: Floats) -> LabelledScores:
    """Return truth and scores of pictures, with the prediction sets of a coverage of 0.9."""
    scores = scores_from_logits(logits, card)
    coverage = 0.9 if "0.9" in card.conformal else None
    sets = None
    if coverage is not None:
        rows = [dict(zip(card.names, row, strict=True)) for row in scores.tolist()]
        sets = membership_matrix([prediction_set(row, card, coverage) for row in rows], card.names)
    examples = pictures.examples
    return LabelledScores(
        names=card.names,
        task=card.task,
        items=tuple(example.name for example in examples),
        groups=tuple(example.group for example in examples),
        targets=truth_of(pictures, card),
        scores=scores,
        predicted=decide_rows(scores, card),
        score_kind=card.score_kind,
        sets=sets,
        coverage=coverage,
        columns=columns_of(examples),
    )
