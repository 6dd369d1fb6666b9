"""A model card as a page.

Its sections are those of Mitchell et al. 2019, "Model Cards for Model Reporting" (details, intended
use, factors, metrics, data), and how scores are calibrated and labels decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from diascope.card import Calibration, ModelCard
from diascope.display_text import plural
from diascope.pages.formatting import decision_rule_text, format_number
from diascope.pages.measures import Measure, label_measures, overall_measures
from diascope.pages.render import render

_SUBGROUP_MEASURES = 2
SCORES = {
    "probability": "Scores are calibrated probabilities.",
    "softmax": "Scores are softmax outputs that add up to 1; they are not calibrated.",
    "sigmoid": "Scores are sigmoid outputs between 0 and 1; they are not calibrated.",
    "logit": "Scores are logits, not probabilities.",
    "share": "Scores are fractions of a picture's regions or frames; they are not calibrated.",
}
_TASKS = {
    "binary": "The model decides whether the second of its two labels applies to a picture.",
    "multiclass": "The model assigns one of its labels to each picture.",
    "multilabel": "The model decides for each label whether it applies to a picture; several "
    "may apply, or none.",
}


@dataclass(frozen=True)
class _Factor:
    """The subgroups of one column: metric to one row for each, and warnings about small ones."""

    tables: dict[str, list[Measure]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def card_page(card: ModelCard, weights: int | None = None) -> str:
    """Return the card as one self-contained page, without scripts.

    Args:
        weights: the number of parameters of the network, if it is known.
    """
    return render(
        "card.html",
        kind="model card",
        title=card.title or card.name,
        subtitle=" · ".join(part for part in (card.name, str(card.made.get("date", ""))) if part),
        card=card,
        details=_details(card, weights),
        compared=decision_rule_text(card.task, [label.operating_point for label in card.labels]),
        use=_TASKS[card.task],
        factors=_factors(card),
        measured_on=card.metrics.get("measured_on", "pictures that are not named"),
        measures=overall_measures(card.metrics, card.labels),
        by_label=label_measures(card.metrics, card.labels),
        across=overall_measures(card.cross_validation, card.labels),
        scores=SCORES[card.score_kind],
        decisions=_decisions(card),
        provenance={
            **card.made,
            **({"weights (SHA-256)": card.digest} if card.digest else {}),
            **({"backbone (SHA-256)": card.backbone_digest} if card.backbone_digest else {}),
        },
    )


def _details(card: ModelCard, weights: int | None) -> dict[str, Any]:
    height, width = card.size
    return {
        "name": card.name,
        "task": card.task,
        "input": f"{width} x {height} pixels, {plural(card.channels, 'channel')}",
        "reader": _format_step(card.read) if card.read else "",
        "preprocessing": ", ".join(_format_step(written) for written in card.preprocess),
        "network": card.backbone or "its own",
        "parameters of the network": {
            name: list(map(_format_step, value)) if isinstance(value, list | tuple) else value
            for name, value in card.backbone_parameters.items()
        },
        "head": card.head if card.backbone else "",
        "weights": format_number(weights) if weights else "",
        "licence": card.licence or "not stated",
    }


def _factors(card: ModelCard) -> dict[str, _Factor]:
    """Return the subgroups by column, each table beginning with the row of all pictures.

    The card names a subgroup by column and value, such as ``sex=male``.
    """
    whole = {measure.title: measure for measure in overall_measures(card.metrics, card.labels)}
    shown = list(whole)[:_SUBGROUP_MEASURES]
    found: dict[str, _Factor] = {}
    for name, part in card.subgroups.items():
        column, _, value = name.partition("=")
        factor = found.setdefault(column, _Factor())
        title = f"{value} ({format_number(part['items'])})" if "items" in part else value
        if "warning" in part:
            factor.warnings.append(f"{value}: {part['warning']}")
        for measure in overall_measures(part, card.labels):
            if measure.title in shown:
                everyone = [replace(whole[measure.title], title="All")]
                rows = factor.tables.setdefault(measure.title, everyone)
                rows.append(replace(measure, title=title))
    return found


def _format_step(written: Any) -> str:
    """Return a preprocessing step as text, such as ``resize (size 160)``."""
    if not isinstance(written, Mapping) or len(written) != 1:  # a card may be written by hand
        return str(written)
    ((name, values),) = written.items()
    if isinstance(values, Mapping):
        values = ", ".join(f"{key} {value}" for key, value in values.items())
    text = "" if values is None else str(values)
    return f"{name} ({text})" if text else str(name)


def _calibration(calibration: Calibration, card: ModelCard) -> dict[str, Any]:
    """Return how logits are calibrated."""
    outputs = card.output_names
    scales = dict(zip(outputs, calibration.scale, strict=True))
    one_for_all = len(set(calibration.scale)) == 1
    return {
        "calibration": calibration.method,
        "fitted on": calibration.fitted_on,
        "logits multiplied by": calibration.scale[0] if one_for_all else scales,
        "then added": dict(zip(outputs, calibration.bias, strict=True)),
    }


def _decisions(card: ModelCard) -> dict[str, Any]:
    mirrored = "logits are averaged over the picture and its three mirror images"
    fitted = _calibration(card.calibration, card) if card.calibration else {}
    return fitted | {
        "operating points": card.operating_rule,
        "prediction sets": {
            f"coverage {coverage}": f"labels with scores of {score:.4g} and above"
            for coverage, score in card.conformal.items()
        },
        "unlike the training pictures": card.novelty
        and {
            "warning above a distance of": card.novelty.thresholds[0],
            "or, with features at unit length, of": card.novelty.thresholds[1],
            "fitted on": card.novelty.fitted_on,
        },
        "at inference": mirrored if card.test_time == "flips" else None,
    }
