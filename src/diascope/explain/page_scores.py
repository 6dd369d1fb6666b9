"""From the logit to the decision, for ``explain.html``: scores, operating points and texts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.pages.card import SCORES
from diascope.pages.formatting import (
    decision_rule_text,
    format_decimal,
    format_number,
    format_score,
)
from diascope.sample import Prediction, ScoreKind

_MIRRORED = (
    " They come from the mean logits below, of the picture and its three mirror images; everything "
    "else on this page is for the picture itself."
)
_MIRRORED_LOGIT = "of the picture itself; the score also uses its mirror images"


@dataclass(frozen=True, eq=False)
class Logits:
    """The logits from which the scores come; a binary model has only that of its second label.

    Attributes:
        raw: ``(L,)``, of the network; their means if it saw mirror images.
        calibrated: ``(L,)``, after the card's calibration; equal to ``raw`` without one.
        mirrored: whether the network saw mirror images.
    """

    raw: NDArray[np.float32]
    calibrated: NDArray[np.float64]
    mirrored: bool


@dataclass(frozen=True)
class ScoreTexts:
    """Explanations of the scores.

    Attributes:
        kind: of the kind of score.
        logit: of the chosen label's logit on this page.
        column: title of the logits from which the scores come.
        step: of how the chosen label's logit becomes its score.
        rule: of how labels are predicted from scores.
    """

    kind: str
    logit: str
    column: str
    step: str
    rule: str


def score_texts(card: ModelCard, kind: ScoreKind, logits: Logits, chosen: str) -> ScoreTexts:
    """Return the explanations of the scores.

    Args:
        chosen: a label with an output of the network.
    """
    mirrored = logits.mirrored
    return ScoreTexts(
        kind=SCORES[kind] + (_MIRRORED if mirrored else ""),
        logit=_MIRRORED_LOGIT if mirrored else "before its conversion to a score",
        column="Mean logit" if mirrored else "Logit",
        step=_step_text(card, chosen, mirrored),
        rule=_rule_text(card),
    )


def score_rows(card: ModelCard, prediction: Prediction, logits: Logits) -> list[dict[str, Any]]:
    """Return the labels in descending order of score, with scores, operating points and logits."""
    kind = prediction.score_kind
    raw = _by_label(card, logits.raw)
    calibrated = _by_label(card, logits.calibrated) if card.calibration else {}
    return [
        {
            "title": label.title or label.name,
            "score": format_score(score, kind),
            "point": "" if (point := label.operating_point) is None else format_score(point, kind),
            "share": score,
            "logit": raw.get(label.name, ""),
            "calibrated": calibrated.get(label.name, ""),
            "predicted": label.name in prediction.predicted,
        }
        for label in sorted(card.labels, key=lambda label: -prediction.scores[label.name])
        for score in [prediction.scores[label.name]]
    ]


def _by_label(card: ModelCard, logits: NDArray[np.floating[Any]]) -> dict[str, str]:
    """Return the logits as texts, by label."""
    return dict(zip(card.output_names, map(format_decimal, logits.tolist()), strict=True))


def _step_text(card: ModelCard, chosen: str, mirrored: bool) -> str:
    """Return a text such as ``mean logit of 4 mirror images x 3.552 + 2.017, then sigmoid``."""
    text = "mean logit of 4 mirror images" if mirrored else "logit"
    if card.calibration is not None:
        output = card.output_names.index(chosen)
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
