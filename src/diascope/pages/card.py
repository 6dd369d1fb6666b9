"""A model card as a page.

Its sections are those of Mitchell et al. 2019, "Model Cards for Model Reporting": details, intended
use, factors, metrics, data; and what decisions rest on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from diascope.card import Calibration, ModelCard
from diascope.pages.formatting import (
    Measure,
    decision_rule_text,
    format_number,
    label_measures,
    overall_measures,
    plural,
)
from diascope.pages.render import render

_MEASURES_OF_A_PART = 2
_SCORES = {
    "probability": "Scores are calibrated probabilities.",
    "softmax": "Scores are softmax outputs that add up to 1; they are not calibrated.",
    "sigmoid": "Scores are sigmoid outputs between 0 and 1; they are not calibrated.",
    "logit": "Scores are logits, not probabilities.",
    "share": "Scores are shares of the regions or frames of a picture; they are not calibrated.",
}
_TASKS = {
    "binary": "It says of a picture whether the second of two labels holds.",
    "multiclass": "It gives a picture one of its labels.",
    "multilabel": "It says of each label whether it holds for a picture; several may, or none.",
}


@dataclass(frozen=True)
class _Factor:
    """Metric to its rows, one for each part, and which parts say little."""

    tables: dict[str, list[Measure]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def card_page(card: ModelCard) -> str:
    """Return the card as one page that needs neither network nor script."""
    return render(
        "card.html",
        kind="model card",
        title=card.title or card.name,
        subtitle=" · ".join(part for part in (card.name, str(card.made.get("date", ""))) if part),
        card=card,
        details=_details(card),
        compared=decision_rule_text(card.task, [label.operating_point for label in card.labels]),
        use=_TASKS[card.task],
        factors=_factors(card),
        measured_on=card.metrics.get("measured_on", "pictures that are not named"),
        measures=overall_measures(card.metrics, card.labels),
        by_label=label_measures(card.metrics, card.labels),
        across=overall_measures(card.cross_validation, card.labels),
        scores=_SCORES[card.score_kind],
        decisions=_decisions(card),
        provenance={
            **card.made,
            "weights (SHA-256)": card.digest,
            "backbone (SHA-256)": card.backbone_digest,
        },
    )


def _details(card: ModelCard) -> dict[str, Any]:
    height, width = card.size
    return {
        "name": card.name,
        "task": card.task,
        "input": f"{width} x {height} pixels, {plural(card.channels, 'channel')}",
        "reader": _step(card.read) if card.read else "",
        "preprocessing": ", ".join(_step(written) for written in card.preprocess),
        "network": card.backbone or "its own",
        "parameters of the network": {
            name: list(map(_step, value)) if isinstance(value, list | tuple) else value
            for name, value in card.backbone_parameters.items()
        },
        "head": card.head if card.backbone else "",
        "licence": card.licence or "not stated",
    }


def _factors(card: ModelCard) -> dict[str, _Factor]:
    """Return what was measured of parts of the pictures, by what they were divided by.

    The card names a part ``sex=male``; the row of all pictures stands first.
    """
    whole = {measure.title: measure for measure in overall_measures(card.metrics, card.labels)}
    shown = list(whole)[:_MEASURES_OF_A_PART]
    found: dict[str, _Factor] = {}
    for name, part in card.subgroups.items():
        column, _, value = name.partition("=")
        factor = found.setdefault(column, _Factor())
        told = f"{value} ({format_number(part['items'])})" if "items" in part else value
        if "warning" in part:
            factor.warnings.append(f"{value}: {part['warning']}")
        for measure in overall_measures(part, card.labels):
            if measure.title in shown:
                everyone = [replace(whole[measure.title], title="All")]
                rows = factor.tables.setdefault(measure.title, everyone)
                rows.append(replace(measure, title=told))
    return found


def _step(written: Any) -> str:
    """Return a preprocessing step as a reader says it, such as ``resize (size 160)``."""
    if not isinstance(written, Mapping) or len(written) != 1:  # a card may be written by hand
        return str(written)
    ((name, values),) = written.items()
    if isinstance(values, Mapping):
        values = ", ".join(f"{key} {value}" for key, value in values.items())
    told = "" if values is None else str(values)
    return f"{name} ({told})" if told else str(name)


def _calibration(calibration: Calibration, card: ModelCard) -> dict[str, Any]:
    """Return what is done to the logits; a binary network has one, of its second label."""
    outputs = card.names[-card.outputs :]
    scales = dict(zip(outputs, calibration.scale, strict=True))
    one_for_all = len(set(calibration.scale)) == 1
    return {
        "calibration": calibration.method,
        "fitted on": calibration.fitted_on,
        "logits times": calibration.scale[0] if one_for_all else scales,
        "logits plus": dict(zip(outputs, calibration.bias, strict=True)),
    }


def _decisions(card: ModelCard) -> dict[str, Any]:
    mirrored = "logits are averaged over the picture and its three mirror images"
    fitted = _calibration(card.calibration, card) if card.calibration else {}
    return fitted | {
        "labels decided": card.operating_rule,
        "sets of labels": {
            f"coverage {coverage}": f"labels scored {score:.4g} and above"
            for coverage, score in card.conformal.items()
        },
        "unlike the training pictures": card.novelty
        and {
            "warned of beyond a distance of": card.novelty.thresholds[0],
            "or, of features at unit length": card.novelty.thresholds[1],
            "fitted on": card.novelty.fitted_on,
        },
        "in inference": mirrored if card.test_time == "flips" else None,
    }
