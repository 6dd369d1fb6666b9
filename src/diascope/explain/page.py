"""``explain.html``: what a person sees of an explanation, in one file that needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diascope.card import ModelCard
from diascope.explain.activation_maximisation import Wanted
from diascope.explain.evidence import Attribution
from diascope.explain.explanation import Explanation
from diascope.explain.inspector import stage_numbers
from diascope.explain.page_evidence import (
    maps_shown,
    method_shown,
    occlusion_shown,
    signed_words,
    small_words,
)
from diascope.explain.page_maximisation import gallery_words, wanted_shown
from diascope.explain.page_network import depth_shown, filter_shown, layer_shown, stage_shown
from diascope.explain.page_scores import ScoreLines, score_lines, scores_shown
from diascope.explain.page_scripts import scripted
from diascope.explain.pictures import jpeg_uri, to_display_pixels
from diascope.explain.steps import Stage
from diascope.explain.top_activating import TopActivating
from diascope.pages.formatting import format_score
from diascope.pages.heat import viridis_colours
from diascope.sample import Prediction

_RESPONSES = 16  # filters shown with where they fire
_SCRIPTS = ("explain.js", "explain_stages.js", "explain_arithmetic.js")


@dataclass(frozen=True, eq=False)
class Subject:
    """What is explained.

    Attributes:
        card: of the model.
        prediction: the model's answer for the picture.
        stages: the picture at each point of its way; the last is what the network takes.
        chosen: the label that is looked at closely.
        facts: how the page was made, name to value.
        warnings: what a reader should know before the rest.
    """

    card: ModelCard
    prediction: Prediction
    stages: Sequence[Stage]
    chosen: str
    facts: Mapping[str, Any]
    warnings: Sequence[str] = ()


def explain_page(
    subject: Subject,
    explanation: Explanation,
    wanted: Sequence[Wanted] = (),
    gallery: TopActivating | None = None,
) -> str:
    """Return the page, with what was painted, and the pictures of a table that excite it most."""
    picture = to_display_pixels(subject.stages[-1].pixels)
    evidence = explanation.evidence[subject.chosen]
    titles = {label.name: label.title or label.name for label in subject.card.labels}
    maps = maps_shown(explanation.evidence, picture, titles)
    hidden = explanation.occlusion
    lines = score_lines(subject.card, subject.prediction, subject.chosen)
    return scripted(
        "explain.html",
        _SCRIPTS,
        kind="explanation",
        title=subject.prediction.item.id,
        subtitle=f"The answer of {subject.card.title or subject.card.name}, from the pixels on",
        warnings=subject.warnings,
        figures=_figures(subject, evidence, titles, lines),
        input=f"{picture.shape[1]} x {picture.shape[0]} pixels",
        preview=jpeg_uri(picture, 384),
        method=method_shown(evidence),
        exact=evidence.method == "exact",
        chosen=maps[subject.chosen],
        others=list(maps.values()) if len(maps) > 1 else [],
        occlusion=occlusion_shown(hidden, evidence, picture) if hidden else None,
        score_lines=lines,
        scores=scores_shown(subject.card, subject.prediction),
        stages=[stage_shown(stage) for stage in subject.stages],
        filter_count=len(explanation.filters),
        filters=[filter_shown(each, responds=True) for each in explanation.filters[:_RESPONSES]],
        quiet=[filter_shown(each, responds=False) for each in explanation.filters[_RESPONSES:]],
        depths=[depth_shown(depth, picture.shape[:2]) for depth in explanation.depths],
        wanted=wanted_shown(wanted, gallery, titles),
        gallery_words=gallery_words(gallery) if gallery else "",
        left_out=gallery.left_out if gallery else {},
        layers=explanation.layers,
        facts=subject.facts,
        numbers={
            "viridis": viridis_colours().tolist(),
            "stages": [stage_numbers(stage) for stage in subject.stages],
            "layers": [layer_shown(layer) for layer in explanation.layers],
        },
    )


def _figures(
    subject: Subject, evidence: Attribution, titles: Mapping[str, str], lines: ScoreLines
) -> list[tuple[str, str, str]]:
    prediction = subject.prediction
    answer = ", ".join(titles[name] for name in prediction.predicted) or "No label"
    score = prediction.scores[subject.chosen]
    calibrated = prediction.score_kind == "probability"
    kind = "calibrated probability" if calibrated else f"{prediction.score_kind}, not calibrated"
    shown = [
        ("Answer", answer, "decided by the rule below the scores"),
        ("Score", format_score(score, prediction.score_kind), f"{titles[subject.chosen]}; {kind}"),
        ("Logit", signed_words(evidence.logit), lines.logit),
    ]
    if evidence.residual is not None:
        shown.append(("Residual", small_words(evidence.residual), "of the map's sum; 0 is exact"))
    return shown
