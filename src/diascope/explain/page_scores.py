"""From the logit to the decision, for ``explain.html``: scores, operating points and texts."""

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
"""The trace line of a prediction from mirror images."""

_MIRRORED = (
    " They come from the logits averaged over the picture and its three mirror images; everything "
    "else on this page is for the picture itself."
)
_MIRRORED_LOGIT = "of the picture itself; the score also uses its mirror images"


@dataclass(frozen=True)
class ScoreTexts:
    """Explanations of the scores.

    Attributes:
        kind: of the kind of score.
        logit: of the chosen label's logit on this page.
        step: of how the chosen label's logit becomes its score.
        rule: of how labels are predicted from scores.
    """

    kind: str
    logit: str
    step: str
    rule: str


def score_texts(card: ModelCard, prediction: Prediction, chosen: str) -> ScoreTexts:
    """Return the explanations of the scores.

    Args:
        chosen: a label with an output of the network.
    """
    mirrored = _FLIPS in prediction.trace
    return ScoreTexts(
        kind=_KINDS[prediction.score_kind] + (_MIRRORED if mirrored else ""),
        logit=_MIRRORED_LOGIT if mirrored else "before its conversion to a score",
        step=_step_text(card, chosen, mirrored),
        rule=_rule_text(card),
    )


def score_rows(card: ModelCard, prediction: Prediction) -> list[dict[str, Any]]:
    """Return the labels in descending order of score, with scores and operating points."""
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


def _step_text(card: ModelCard, chosen: str, mirrored: bool) -> str:
    """Return a text such as ``mean logit of 4 mirror images x 3.552 + 2.017, then sigmoid``."""
    text = "mean logit of 4 mirror images" if mirrored else "logit"
    if card.calibration is not None:
        output = card.names[-card.outputs :].index(chosen)
        scale, bias = card.calibration.scale[output], card.calibration.bias[output]
        sign = "\N{MINUS SIGN}" if bias < 0 else "+"
        text += f" \N{MULTIPLICATION SIGN} {format_number(scale)}"
        text += f" {sign} {format_number(abs(bias))}" if bias else ""
    return f"{text}, then {'softmax' if card.task == 'multiclass' else 'sigmoid'}"


def _rule_text(card: ModelCard) -> str:
    points = [label.operating_point for label in card.labels]
    rule = "A label is predicted if its score reaches its operating point, or 0.5 if it has none."
    if card.task == "binary":
        negative, positive = (label.title or label.name for label in card.labels)
        point = "0.5" if points[1] is None else "its operating point"
        rule = f"{positive} is predicted if its score reaches {point}, otherwise {negative}."
    return decision_rule_text(card.task, points) or rule
