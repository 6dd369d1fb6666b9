"""A model card as lines of text."""

from collections.abc import Iterator, Mapping
from typing import Any

from diascope.card import ModelCard


def card_lines(card: ModelCard) -> Iterator[str]:
    """Yield the card's lines, for people."""
    yield f"{card.name}: {card.title}"
    yield ""
    yield f"Task        {card.task}; scores are {card.score_kind}"
    yield f"Input       {card.size[1]}x{card.size[0]} pixels, {card.channels} channels"
    yield f"Network     {card.backbone}, {card.head} head"
    yield f"Licence     {card.licence or 'not stated'}"
    yield f"Weights     SHA-256 {card.digest}"
    yield ""
    yield "Labels"
    for label in card.labels:
        codes = ", ".join(f"{scheme} {code}" for scheme, code in label.codes.items())
        point = "" if label.operating_point is None else f"  from {label.operating_point:.3f}"
        yield f"  {label.name:<10} {label.title}  {f'({codes})' if codes else ''}{point}"
    yield ""
    yield f"Metrics     {card.metrics.get('measured_on', 'none')}"
    for name, figure in card.metrics.items():
        if isinstance(figure, Mapping):
            yield (
                f"  {name:<20} {figure['value']:.3f}  ({figure['low']:.3f} to {figure['high']:.3f})"
            )
    for title, facts in (("Data", card.data), ("Made", card.made)):
        yield ""
        yield title
        yield from _facts(facts, "  ")
    yield ""
    yield "Limits"
    yield from (f"  {limit}" for limit in card.limits)


def _facts(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}"
            yield from _facts(value, indent + "  ")
        else:
            yield f"{indent}{name}: {value}"
