"""``explain.html``: the explanation of one picture, as one file that works offline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diascope.card import ModelCard
from diascope.explain.activation_maximisation import FeatureVisualisation
from diascope.explain.attribution import Attribution
from diascope.explain.explanation import Explanation
from diascope.explain.inspector import stage_numbers
from diascope.explain.page_evidence import (
    format_signed,
    format_small,
    map_views,
    method_view,
    occlusion_view,
)
from diascope.explain.page_layers import layer_table_view, stretch_note
from diascope.explain.page_maximisation import gallery_text, visualisation_views
from diascope.explain.page_network import depth_view, filter_view, layer_view, stage_view
from diascope.explain.page_scores import Logits, ScoreTexts, score_rows, score_texts
from diascope.explain.page_scripts import render_with_scripts
from diascope.explain.pictures import jpeg_uri, to_display_pixels
from diascope.explain.steps import Stage
from diascope.explain.top_activating import TopActivating
from diascope.pages.formatting import format_score
from diascope.pages.heat import viridis_colours
from diascope.sample import Prediction

_WITH_RESPONSE = 16  # filters shown with their response maps
_SCRIPTS = ("explain.js", "explain_stages.js", "explain_arithmetic.js")


@dataclass(frozen=True, eq=False)
class Subject:
    """The prediction being explained.

    Attributes:
        card: of the model.
        prediction: of the model for the picture.
        logits: those from which its scores come.
        stages: the picture at each preprocessing stage; the last is the input of the network.
        chosen: the label to examine closely.
        facts: how the page was made, name to value.
        warnings: shown at the top of the page.
    """

    card: ModelCard
    prediction: Prediction
    logits: Logits
    stages: Sequence[Stage]
    chosen: str
    facts: Mapping[str, Any]
    warnings: Sequence[str] = ()


def explain_page(
    subject: Subject,
    explanation: Explanation,
    visualisations: Sequence[FeatureVisualisation] = (),
    gallery: TopActivating | None = None,
) -> str:
    """Return the page, with feature visualisations and the top-activating pictures, if any."""
    picture = to_display_pixels(subject.stages[-1].pixels)
    evidence = explanation.evidence[subject.chosen]
    titles = {label.name: label.title or label.name for label in subject.card.labels}
    maps = map_views(explanation.evidence, picture, titles)
    occlusion = explanation.occlusion
    kind = subject.prediction.score_kind
    texts = score_texts(subject.card, kind, subject.logits, subject.chosen)
    return render_with_scripts(
        "explain.html",
        _SCRIPTS,
        kind="explanation",
        title=subject.prediction.item.id,
        subtitle=f"Model: {subject.card.title or subject.card.name}",
        warnings=subject.warnings,
        figures=_figures(subject, evidence, titles, texts),
        input=f"{picture.shape[1]} x {picture.shape[0]} pixels",
        preview=jpeg_uri(picture, 384),
        method=method_view(evidence),
        stretched=_stretched(explanation, evidence, picture.shape[:2]),
        exact=evidence.method == "exact",
        chosen=maps[subject.chosen],
        others=list(maps.values()) if len(maps) > 1 else [],
        occlusion=occlusion_view(occlusion, evidence, picture) if occlusion else None,
        score_texts=texts,
        scores=score_rows(subject.card, subject.prediction, subject.logits),
        stages=[stage_view(stage) for stage in subject.stages],
        table=layer_table_view(explanation.table, subject.card),
        filter_count=len(explanation.filters),
        filters=[
            filter_view(each, with_response=True) for each in explanation.filters[:_WITH_RESPONSE]
        ],
        other_filters=[
            filter_view(each, with_response=False) for each in explanation.filters[_WITH_RESPONSE:]
        ],
        depths=[depth_view(depth, picture.shape[:2]) for depth in explanation.depths],
        visualisations=visualisation_views(visualisations, gallery, titles),
        gallery_text=gallery_text(gallery) if gallery else "",
        left_out=gallery.left_out if gallery else {},
        layers=explanation.layers,
        facts=subject.facts,
        numbers={
            "viridis": viridis_colours().tolist(),
            "stages": [stage_numbers(stage) for stage in subject.stages],
            "layers": [layer_view(layer) for layer in explanation.layers],
        },
    )


def _stretched(explanation: Explanation, evidence: Attribution, size: tuple[int, ...]) -> str:
    per_cell = evidence.method != "integrated-gradients"  # else its map is one of pixels
    return stretch_note(explanation.grid, evidence.map.shape, size) if per_cell else ""


def _figures(
    subject: Subject, evidence: Attribution, titles: Mapping[str, str], texts: ScoreTexts
) -> list[tuple[str, str, str]]:
    prediction = subject.prediction
    answer = ", ".join(titles[name] for name in prediction.predicted) or "No label"
    score = prediction.scores[subject.chosen]
    calibrated = prediction.score_kind == "probability"
    kind = "calibrated probability" if calibrated else f"{prediction.score_kind}, not calibrated"
    figures = [
        ("Answer", answer, "by the decision rule below the scores"),
        ("Score", format_score(score, prediction.score_kind), f"{titles[subject.chosen]}; {kind}"),
        ("Logit", format_signed(evidence.logit), texts.logit),
    ]
    if evidence.residual is not None:
        figures.append(
            (
                "Residual",
                format_small(evidence.residual),
                "relative error of the map's sum; 0 is exact",
            )
        )
    return figures
