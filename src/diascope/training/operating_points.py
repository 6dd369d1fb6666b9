"""Operating points: the scores at or above which labels are predicted, by the recipe's rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from diascope.card import Task
from diascope.evaluation.labelled_scores import Floats

_MIN_POINT = float(np.finfo(np.float64).tiny)
"""Smallest point that a card accepts: it must be above 0."""


@dataclass(frozen=True)
class Rule:
    """How operating points are chosen on validation pictures.

    Attributes:
        by: ``highest`` chooses no points: the highest score decides, or 0.5; ``youden`` maximises
            sensitivity plus specificity; ``sensitivity`` and ``specificity`` reach ``at_least``
            with the highest possible value of the other, and of equally good points with the most
            of what is promised; ``cost`` minimises false positives plus
            ``false_negative`` times false negatives; ``prevalence`` uses each label's share of the
            pictures, which for calibrated scores maximises balanced accuracy.
    """

    by: Literal["highest", "youden", "sensitivity", "specificity", "cost", "prevalence"] = "highest"
    at_least: Annotated[float, Interval(gt=0, lt=1)] = 0.9
    false_negative: Annotated[float, Interval(gt=0, lt=math.inf)] = 1.0

    def describe(self, task: Task, *, calibrated: bool = True) -> str:
        """Return a description of the rule for the card, empty for ``highest``.

        Args:
            calibrated: whether the scores are calibrated; then ``prevalence`` promises more.
        """
        if self.by == "highest":
            return ""
        if self.by == "prevalence":
            best = " (highest balanced accuracy)" if calibrated else ""
            return f"each label's share of the pictures{best}"
        text = f"{self.by} of at least {self.at_least:g} for each label on validation"
        if self.by == "youden":
            text = "highest sensitivity plus specificity of each label (Youden)"
        elif self.by == "cost":
            text = f"lowest cost, a false negative counting {self.false_negative:g} false positives"
        if task == "multiclass":
            text += ", each label on its own; the one furthest above its point is decided on, so "
            text += "the decisions keep it only in part"
        return text

    def points(self, targets: Floats, scores: Floats) -> Sequence[float | None]:
        """Return each label's operating point; None for ``highest`` or a label without known
        positives or negatives.

        Args:
            targets, scores: ``(N, L)``; targets are 0, 1 or NaN.
        """
        return [self._point(*pair) for pair in zip(targets.T, scores.T, strict=True)]

    def _point(self, target: Floats, score: Floats) -> float | None:
        known = ~np.isnan(target)
        target, score = target[known], score[known]
        positives = target.sum()
        if self.by == "highest" or not 0 < positives < len(target):
            return None
        if self.by == "prevalence":
            return float(positives / len(target))
        order = np.argsort(-score, kind="stable")
        last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
        hits = np.append(0, np.cumsum(target[order])[last])  # starting above all scores
        alarms = np.append(0, last + 1) - hits
        sensitivity, specificity = hits / positives, 1 - alarms / (len(target) - positives)
        best = self._best(sensitivity, specificity, positives - hits, alarms)
        return max(_midpoint_below(score[order][last], best), _MIN_POINT)

    def _best(
        self, sensitivity: Floats, specificity: Floats, missed: Floats, alarms: Floats
    ) -> int:
        """Return how many distinct scores, from high to low, the rule puts above the point."""
        if self.by == "sensitivity":
            first = np.argmax(sensitivity >= self.at_least)
            return int(np.flatnonzero(alarms == alarms[first])[-1])
        if self.by == "specificity":
            last = np.flatnonzero(specificity >= self.at_least)[-1]
            return int(np.argmax(missed == missed[last]))
        if self.by == "cost":
            return int(np.argmin(alarms + self.false_negative * missed))
        return int(np.argmax(sensitivity + specificity))


def _midpoint_below(thresholds: Floats, count: int) -> float:
    """Return the midpoint of the last of ``count`` thresholds and the next lower one."""
    if not count:  # above all scores, and above 1 only if a score is 1
        highest = thresholds[0]
        return float((highest + 1) / 2 if highest < 1 else np.nextafter(highest, np.inf))
    least = thresholds[count - 1]
    if count == len(thresholds):
        return float(least)
    middle = (least + thresholds[count]) / 2
    return float(middle if middle > thresholds[count] else least)
