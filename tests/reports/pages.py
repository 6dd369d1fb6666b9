"""Records and a run for the tests of the reports, and a parser of the html report's page."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from diascope.reports.html import HtmlReport
from diascope.sample import Evidence, Failed, Item, Prediction, Record, ScoreKind, Skipped

HOSTILE = "</script><img src=x onerror=alert(1)>'\"&amp; ünï\u2028\u202e皮.png"
CARD = {
    "name": "small",
    "title": "Dark or bright",
    "task": "multiclass",
    "score_kind": "softmax",
    "labels": [
        {"name": "dark", "title": "Rather dark", "codes": {}, "operating_point": None},
        {"name": "bright", "title": "Rather bright", "codes": {}, "operating_point": 0.4},
    ],
    "metrics": {
        "measured_on": "test: 90 pictures of 30 groups",
        "accuracy": {"value": 0.81, "low": 0.74, "high": 0.87},
    },
    "limits": ["Grey pictures only."],
    "licence": "CC0",
    "data": {"name": "made up"},
}
RUN = {
    "recipe": {"name": "shades", "preprocess": ["equalize", {"resize": {"size": 8}}]},
    "digest": "ab" * 32,
    "versions": {"diascope": "0.1.0"},
    "weights": {"model": "small", "digest": "cd" * 32},
    "timings": {"seconds": 3.2},
    "host": {"system": "Linux"},
    "started": "2025-03-14T09:21:48+00:00",
    "finished": "2025-03-14T09:21:51+00:00",
    "command": "pipeline run shades.yaml pictures/",
    "warnings": ["two pictures had no colour profile"],
    "card": CARD,
}
FAILED = Failed(Item("broken.png", "/x"), "read", "image", "the file is truncated")
SKIPPED = Skipped(Item("notes.txt", "/x"), "no reader knows this content")


def prediction(
    name: str = "a.png",
    bright: float = 0.7,
    *,
    kind: ScoreKind = "softmax",
    evidence: bool = True,
    **fields: Any,
) -> Prediction:
    """Return a prediction of the label with the higher score, with a map that adds up."""
    cells = np.linspace(-0.5, 1, 25, dtype=np.float32).reshape(5, 5)
    predicted = "bright" if bright >= 0.5 else "dark"
    logit = float(cells.sum(dtype="float64")) + 0.25
    given: dict[str, Any] = {
        "predicted": (predicted,),
        "evidence": (Evidence(predicted, cells, logit, 0.25),) if evidence else (),
        "preview": np.full((40, 60, 3), 90, np.uint8) if evidence else None,
        "trace": ("spacing assumed 0.5 um from the recipe",),
    }
    scores = {"dark": 1 - bright, "bright": bright}
    return Prediction(Item(name, f"/x/{name}"), scores, kind, **(given | fields))


def many(number: int) -> Iterator[Prediction]:
    """Yield predictions with different scores."""
    for index in range(number):
        yield prediction(f"item-{index}.png", (index * 7 % 1000) / 1000)


def write(
    records: Iterable[Record], directory: Path, *, items: int = 20_000, **changes: Any
) -> Path:
    """Write the page of a run, with at most ``items`` in its gallery, and return its path."""
    counts = {"found": len(records)} if isinstance(records, list) else {}
    run = {**RUN, "counts": counts, **changes}
    (path,) = HtmlReport(items=items).write(run, records, directory)
    return path


@dataclass
class Page(HTMLParser):
    """The elements of the page, and the data in its JSON blocks."""

    text: str
    tags: list[str] = field(default_factory=list)
    policy: str = ""
    blocks: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._block = ""
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if given.get("type") == "application/json":
            self._block = given.get("id") or given.get("class") or ""

    def handle_data(self, data: str) -> None:
        if self._block:
            self.blocks.setdefault(self._block, []).append(json.loads(data))
            self._block = ""

    @property
    def index(self) -> list[Any]:
        return [row for block in self.blocks["index"] for row in block]

    @property
    def records(self) -> list[Any]:
        return [row for block in self.blocks["records"] for row in block]


RECORDS: list[Record] = [
    prediction("b10.png", 0.9),
    prediction("b9.png", 0.2, samples=12),
    FAILED,
    prediction("a.png", 0.55),
    SKIPPED,
    prediction(HOSTILE, 0.7),
]
