"""A model card as lines of text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from diascope.card import ModelCard
from diascope.display_text import plural
from diascope.pages.evidence import PARTS, evidence_measures, format_map_count
from diascope.pages.formatting import format_score
from diascope.pages.measures import measure_lines


def card_lines(card: ModelCard, weights: int | None) -> Iterator[str]:
    """Yield the card as lines of readable text.

    Args:
        weights: the number of parameters of the network, if it is known.
    """
    yield f"{card.name}: {card.title}" if card.title else card.name
    yield ""
    yield f"Task        {card.task}; score kind: {card.score_kind}"
    channels = plural(card.channels, "channel")
    yield f"Input       {card.size[1]}x{card.size[0]} pixels, {channels}"
    network = f"{card.backbone}, {card.head} head" if card.backbone else "its own"
    yield f"Network     {network}{f'; {weights:,} weights' if weights else ''}"
    yield f"Licence     {card.licence or 'not stated'}"
    if card.digest:
        yield f"Weights     SHA-256 {card.digest}"
    yield ""
    yield "Limits"
    yield from (f"  {limit}" for limit in card.limits or ("none stated",))
    yield ""
    yield "Labels"
    at = "operating point" if card.task == "multiclass" else "decided from"
    width = _width(card.names)
    for label in card.labels:
        codes = ", ".join(f"{scheme} {code}" for scheme, code in label.codes.items())
        point = label.operating_point
        decided = "" if point is None else f"  {at} {format_score(point, card.score_kind)}"
        yield f"  {label.name:<{width}}  {label.title}  {f'({codes})' if codes else ''}{decided}"
    yield ""
    yield f"Metrics     {card.metrics.get('measured_on', 'none')}"
    yield from _measures(card.metrics)
    if card.cross_validation:
        yield ""
        folds, where = map(card.cross_validation.get, ("folds", "measured_on"))
        heading = "Cross-validation" if folds is None else f"Cross-validation, {folds} folds"
        yield f"{heading}: {where}" if where else heading
        yield from _measures(card.cross_validation)
    for part, metrics in card.subgroups.items():
        yield ""
        notes = [f"{metrics['items']} items"] if "items" in metrics else []
        notes += [str(metrics["warning"])] if "warning" in metrics else []
        yield f"Metrics of {part}" + (f" ({'; '.join(notes)})" if notes else "")
        yield from _measures(metrics)
    yield from _evidence(card.evidence)
    yield ""
    yield "Decisions"
    yield from _decisions(card)
    for title, facts in (("Data", card.data), ("Made", card.made)):
        if facts:
            yield ""
            yield title
            yield from _facts(facts, "  ")


def _measures(metrics: Mapping[str, Any]) -> Iterator[str]:
    figures = {name: figure for name, figure in metrics.items() if isinstance(figure, Mapping)}
    width = _width(figures)
    for name, figure in figures.items():
        between = f"({figure['low']:.3f} to {figure['high']:.3f})" if "low" in figure else ""
        yield f"  {name:<{width}} {figure['value']:.3f}  {between}".rstrip()


def _width(names: Iterable[str]) -> int:
    return max(map(len, names), default=0)


def _evidence(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Yield the measurements of the evidence maps."""
    if not evidence:
        return
    yield ""
    where = evidence.get("measured_on")
    yield f"Evidence maps, measured on {where}" if where else "Evidence maps"
    if "masks" in evidence:
        yield f"  masks: {evidence['masks'] or 'none'}"
    for part, title in PARTS.items():
        if measures := evidence_measures(evidence, part):
            yield f"  {title} ({format_map_count(evidence, part)})"
            yield from (f"    {line}" for line in measure_lines(measures))


def _decisions(card: ModelCard) -> Iterator[str]:
    """Yield how the network's outputs become an answer."""
    calibration = card.calibration
    if calibration is None:
        yield "  calibration: none"
    else:
        yield f"  calibration: {calibration.method}, fitted on {calibration.fitted_on}"
        yield f"  scale: {_numbers(calibration.scale)}"
        yield f"  bias: {_numbers(calibration.bias)}"
    if card.operating_rule:
        yield f"  operating points: {card.operating_rule}"
    for coverage, score in card.conformal.items():
        yield f"  sets of {coverage} coverage: labels with scores from {score:.4g}"
    if card.novelty is not None:
        plain, unit = card.novelty.thresholds
        limit = f"distance {plain:.4g}, or {unit:.4g} at unit length; {card.novelty.fitted_on}"
        yield f"  unlike the training pictures: above {limit}"
    if card.test_time == "flips":
        yield "  at inference: logits averaged over the picture and its three mirror images"


def _numbers(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers)


def _facts(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}"
            yield from _facts(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value}"
