"""``explain.html``: what a person sees of an explanation, in one file that needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.explain.evidence import Attribution, Method
from diascope.explain.explanation import Explanation, Layer
from diascope.explain.feature_maps import Depth
from diascope.explain.inspector import layer_numbers, stage_numbers
from diascope.explain.occlusion import Occlusion
from diascope.explain.pictures import VIRIDIS, drawn, overlay, photo, plain, shown
from diascope.explain.scripted import scripted
from diascope.explain.steps import Stage
from diascope.pages.words import counted, number_words
from diascope.sample import Prediction

_RESPONSES = 16  # filters shown with where they fire
_SCRIPTS = ("explain.js", "explain_stages.js", "explain_arithmetic.js")
_EXACT = (
    "The network divides the picture into {0} x {1} cells. Each adds a number to the answer or "
    "takes one away, and these numbers add up to it, as printed below the map."
)
_ESTIMATE = (
    "The network divides the picture into {0} x {1} cells. How much each matters is estimated from "
    "gradients; the numbers need not add up to the answer."
)
_METHODS: dict[Method, tuple[str, str]] = {
    "exact": ("What each cell adds (exact)", _EXACT),
    "hirescam": ("HiResCAM", _ESTIMATE),
    "grad-cam": ("Grad-CAM", f"{_ESTIMATE} It shows only what speaks for the label."),
    "grad-cam++": ("Grad-CAM++", f"{_ESTIMATE} It shows only what speaks for the label."),
    "integrated-gradients": (
        "Integrated gradients",
        "Each pixel's share in the difference between this picture and an even grey one, by "
        "gradients along the way; how much the shares miss that difference is printed below.",
    ),
}


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
    method: Method
    facts: Mapping[str, Any]
    warnings: Sequence[str] = ()


def explain_page(subject: Subject, explanation: Explanation) -> str:
    """Return the page."""
    picture = shown(subject.stages[-1].pixels)
    evidence = explanation.evidence[subject.chosen]
    titles = {label.name: label.title or label.name for label in subject.card.labels}
    reach = max(_reach(each) for each in explanation.evidence.values())
    maps = {
        label: _map(each, picture, titles[label], reach)
        for label, each in explanation.evidence.items()
    }
    title, words = _METHODS[subject.method]
    return scripted(
        "explain.html",
        _SCRIPTS,
        kind="explanation",
        title=subject.prediction.item.id,
        subtitle=f"The answer of {subject.card.title or subject.card.name}, from the pixels on",
        warnings=subject.warnings,
        figures=_figures(subject, evidence, titles),
        input=f"{picture.shape[1]} x {picture.shape[0]} pixels",
        preview=photo(picture, 384),
        method={"title": title, "words": words.format(*evidence.map.shape)},
        chosen=maps[subject.chosen],
        others=list(maps.values()) if len(maps) > 1 else [],
        occlusion=_occlusion(explanation.occlusion, evidence, picture),
        score_words=_score_words(subject.prediction),
        scores=_scores(subject.prediction, titles),
        stages=[_stage(stage) for stage in subject.stages],
        filter_count=len(explanation.filters),
        filters=[_filter(each, True) for each in explanation.filters[:_RESPONSES]],
        quiet=[_filter(each, False) for each in explanation.filters[_RESPONSES:]],
        depths=[_depth(depth, picture.shape[0]) for depth in explanation.depths],
        layers=explanation.layers,
        facts=subject.facts,
        numbers={
            "viridis": VIRIDIS,
            "stages": [stage_numbers(stage) for stage in subject.stages],
            "layers": [_layer(layer) for layer in explanation.layers],
        },
    )


def _figures(
    subject: Subject, evidence: Attribution, titles: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    prediction = subject.prediction
    answer = ", ".join(titles[name] for name in prediction.predicted) or "No label"
    score = prediction.scores[subject.chosen]
    kind = (
        "calibrated probability"
        if prediction.score_kind == "probability"
        else (f"{prediction.score_kind}, not calibrated")
    )
    shown = [
        ("Answer", answer, "decided by the rule of the model's card"),
        ("Score", f"{score:.3f}", f"{titles[subject.chosen]}; {kind}"),
        ("Logit", _signed(evidence.logit), "the answer before it becomes a score"),
    ]
    if evidence.residual is not None:
        shown.append(("Residual", _small(evidence.residual), "of the map's sum; 0 is exact"))
    return shown


def _map(
    evidence: Attribution, picture: NDArray[np.uint8], title: str, reach: float
) -> dict[str, str]:
    fault = ""
    if evidence.method == "exact" and not evidence.adds_up:
        fault = "The map does not add up to the answer: do not trust it."
    return {
        "title": title,
        "picture": overlay(picture, evidence.map, reach),
        "low": _signed(-reach),
        "high": _signed(reach),
        "sum": _sum_words(evidence),
        "fault": fault,
    }


def _sum_words(evidence: Attribution) -> str:
    total, logit = _signed(evidence.sum), _signed(evidence.logit)
    if evidence.due is None:
        return f"sum {total}; logit {logit}"
    rest, residual = _signed(evidence.logit - evidence.due), _small(evidence.residual or 0.0)
    if evidence.method == "exact":
        return f"map {total} + bias {rest} = logit {logit}, residual {residual}"
    return f"map {total} + logit of grey {rest} = logit {logit}, completeness gap {residual}"


def _occlusion(
    occlusion: Occlusion | None, evidence: Attribution, picture: NDArray[np.uint8]
) -> dict[str, str] | None:
    if occlusion is None:
        return None
    reach = float(np.abs(occlusion.map).max()) or 1.0
    return {
        "picture": overlay(picture, occlusion.map, reach),
        "low": _signed(-reach),
        "high": _signed(reach),
        "words": f"Orange: without this part the logit falls. {_agreement(occlusion, evidence)}"
        f"{counted(occlusion.passes, 'look')} at the picture, {occlusion.seconds:.1f} s.",
    }


def _agreement(occlusion: Occlusion, evidence: Attribution) -> str:
    agreement = occlusion.agreement(evidence.map)
    if agreement is None:
        return ""
    return (
        f"Agreement with the evidence map: {_signed(agreement)} (Spearman's rank correlation: "
        "1 is the same order of cells, 0 none). "
    )


def _score_words(prediction: Prediction) -> str:
    words = {
        "probability": "Scores are calibrated probabilities.",
        "softmax": "Scores add up to 1; they are not calibrated.",
        "sigmoid": "Scores lie between 0 and 1; they are not calibrated.",
        "logit": "Scores are logits, not probabilities.",
    }[prediction.score_kind]
    mirrored = any("mirror" in note for note in prediction.trace)
    return words + (
        " They are the mean over the picture and its mirror images; all else on this page is of "
        "the picture as it is."
        if mirrored
        else ""
    )


def _scores(prediction: Prediction, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    most = max(map(abs, prediction.scores.values())) or 1.0
    return [
        {
            "title": titles[name],
            "score": score,
            "share": max(0.0, score / (most if prediction.score_kind == "logit" else 1.0)),
            "predicted": name in prediction.predicted,
        }
        for name, score in sorted(prediction.scores.items(), key=lambda pair: -pair[1])
    ]


def _stage(stage: Stage) -> dict[str, Any]:
    height, width, channels = stage.pixels.shape
    low, high = stage.span
    return {
        "title": stage.title,
        "picture": photo(shown(stage.pixels)),
        "shape": f"{width} x {height} pixels, {counted(channels, 'channel')}",
        "low": number_words(low),
        "high": number_words(high),
        "notes": stage.notes,
    }


def _filter(each: Any, responds: bool) -> dict[str, Any]:
    return {
        "index": each.response.index,
        "strength": number_words(each.response.strength),
        "picture": plain(each.picture),
        "response": drawn(each.response.map) if responds else "",
    }


def _depth(depth: Depth, side: int) -> dict[str, Any]:
    height, width = depth.size
    share = (
        f"1/{2**depth.halvings} of the picture's side" if depth.halvings else "The picture's size"
    )
    return {
        "title": f"{share}: {width} x {height} cells",
        "words": f"{depth.channels:,} channels; a cell stands for {side // height} x "
        f"{side // height} pixels of the picture, and looks at more around them",
        "maps": [
            {
                "index": channel.index,
                "strength": number_words(channel.strength),
                "picture": drawn(channel.map),
            }
            for channel in depth.strongest
        ],
    }


def _layer(layer: Layer) -> dict[str, Any]:
    convolution = layer.convolution
    filters, channels, tall, wide = convolution.weight.shape
    kind = "Transposed convolution" if convolution.transposed else "Convolution"
    steps = f"steps of {convolution.stride[0]} x {convolution.stride[1]}"
    words = [f"{kind}: {filters} filters of {channels} x {tall} x {wide} numbers", steps]
    if any(start < 0 for start in convolution.start):
        top, left = (-start for start in convolution.start)
        words.append(f"zeros above: {top}, to the left: {left}")
    if convolution.dilation != (1, 1):
        words.append(f"dilation {convolution.dilation[0]} x {convolution.dilation[1]}")
    if convolution.groups > 1:
        words.append(f"in {convolution.groups} groups of channels")
    height, width = convolution.output.shape[1:]
    numbers = layer_numbers(layer)
    titled = [each | {"title": str(each["index"])} for each in numbers["filters"]]
    return numbers | {
        "title": f"{width} x {height} places",
        "words": f"{', '.join(words)}. Bright is where the filter fires.",
        "filters": titled,
    }


def _reach(evidence: Attribution) -> float:
    return float(np.abs(evidence.map).max(initial=0.0)) or 1.0


def _signed(number: float) -> str:
    return f"{number:+.3g}".replace("-", "\N{MINUS SIGN}")


def _small(number: float) -> str:
    """Return such as ``8.8e-8``."""
    digits, _, power = f"{number:.1e}".partition("e")
    return f"{digits}e{int(power)}".replace("-", "\N{MINUS SIGN}")
