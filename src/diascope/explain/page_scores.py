"""From the logit to the decision as ``explain.html`` shows it: scores, points and words."""

from dataclasses import dataclass
from typing import Any

from diascope.card import ModelCard
from diascope.pages.formatting import decision_rule_text, format_number, format_score
from diascope.sample import Prediction

_KINDS = {
    "probability": "Scores are calibrated probabilities.",
    "softmax": "Scores add up to 1; they are not calibrated.",
    "sigmoid": "Scores lie between 0 and 1; they are not calibrated.",
}
_FLIPS = "logits averaged over 4 mirror images"
"""What a classifier notes in the trace of such an answer."""

_MIRRORED = (
    " They are of the picture and its three mirror images; all else on this page is of the picture "
    "as it is."
)


@dataclass(frozen=True)
class ScoreLines:
    """What is said of the scores.

    Attributes:
        kind: what they are.
        logit: what the chosen label's logit, as this page shows it, is to its score.
        step: how the chosen label's logit becomes its score.
        rule: how labels are decided on.
    """

    kind: str
    logit: str
    step: str
    rule: str


def score_lines(card: ModelCard, prediction: Prediction, chosen: str) -> ScoreLines:
    """Return what is said of the scores.

    Args:
        chosen: a label that an output of the network speaks for.
    """
    mirrored = _FLIPS in prediction.trace
    alone = "of the picture alone; the score is of its mirror images too"
    return ScoreLines(
        kind=_KINDS[prediction.score_kind] + (_MIRRORED if mirrored else ""),
        logit=alone if mirrored else "the answer before it becomes a score",
        step=_step(card, chosen, mirrored),
        rule=_rule(card),
    )


def scores_shown(card: ModelCard, prediction: Prediction) -> list[dict[str, Any]]:
    """Return the labels, the highest score first, each with its score and operating point."""
    kind = prediction.score_kind
    return [
        {
            "title": label.title or label.name,
            "score": format_score(score, kind),
            "point": "" if (point := label.operating_point) is None else format_score(point, kind),
            "share": score,
            "predicted": label.name in prediction.predicted,
        }
        for label in sorted(card.labels, key=lambda label: -prediction.scores[label.name])
        for score in [prediction.scores[label.name]]
    ]


def _step(card: ModelCard, chosen: str, mirrored: bool) -> str:
    """Return such as ``mean logit of 4 mirror images x 3.552 + 2.017, then sigmoid``."""
    words = "mean logit of 4 mirror images" if mirrored else "logit"
    if card.calibration is not None:
        output = card.names[-card.outputs :].index(chosen)
        scale, bias = card.calibration.scale[output], card.calibration.bias[output]
        sign = "\N{MINUS SIGN}" if bias < 0 else "+"
        words += f" \N{MULTIPLICATION SIGN} {format_number(scale)}"
        words += f" {sign} {format_number(abs(bias))}" if bias else ""
    return f"{words}, then {'softmax' if card.task == 'multiclass' else 'sigmoid'}"


def _rule(card: ModelCard) -> str:
    points = [label.operating_point for label in card.labels]
    own = "A label is decided on if its score reaches its operating point, 0.5 without one."
    if card.task == "binary":
        negative, positive = (label.title or label.name for label in card.labels)
        point = "0.5" if points[1] is None else "its operating point"
        own = f"{positive} is decided on from {point} on, else {negative}."
    return decision_rule_text(card.task, points) or own
