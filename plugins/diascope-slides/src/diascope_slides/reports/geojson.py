"""Write tiles as objects for QuPath: ``slides/<name>.geojson``."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Record
from diascope_slides.reports.answers import Answer, answers, card_labels
from diascope_slides.reports.decisions import decide_labels
from diascope_slides.reports.outlines import merge_boxes, outlines
from diascope_slides.reports.partition import Partition

_COLOURS = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (86, 180, 233),
    (230, 159, 0),
)
"""Okabe and Ito 2008: colours that colour-blind people can distinguish."""


@dataclass(frozen=True)
class GeoJsonReport:
    """``slides/<name>.geojson`` for each slide, for import by QuPath 0.4 and later.

    Each tile is an object with its decided label, and as measurements its scores and, if the model
    has attention, its weight. If merged, each patch with the same label is an annotation with its
    mean scores and the sum of its weights. Where tiles overlap, their mean scores decide the label,
    so that patches share no area. Coordinates are full-resolution pixels from QuPath's origin, the
    upper left corner of the slide's bounds.

    Args:
        merge: write patches instead of tiles.
    """

    merge: bool = False
    api: ClassVar = (1, 5)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write one file per slide and return their paths; none if the run has no slides."""
        paths = []
        for answer in answers(records):
            path = directory / "slides" / f"{answer.name}.geojson"
            path.parent.mkdir(exist_ok=True)
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.write('{"type": "FeatureCollection", "features": [')
                for index, feature in enumerate(self._features(answer, run)):
                    file.write((",\n" if index else "\n") + json.dumps(feature, allow_nan=False))
                file.write("\n]}\n")
            paths.append(path)
        return paths

    def _features(self, answer: Answer, run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        kind = "annotation" if self.merge else "tile"
        classes = _classes(run)
        for outline, label, numbers in (_patches if self.merge else _tiles)(answer, run):
            yield _feature(kind, answer, outline, classes[label], numbers)


_Shape = tuple[dict[str, Any], int, NDArray[np.floating]]
"""An outline, the index of its label or -1, its scores and, of a model with attention, its weight.
"""


def _tiles(answer: Answer, run: Mapping[str, Any]) -> Iterator[_Shape]:
    regions = answer.regions
    numbers = regions.scores
    if regions.attention is not None:
        numbers = np.column_stack((numbers, regions.attention))
    decided = decide_labels(regions.scores, run)
    yield from zip(outlines(regions.boxes), decided, numbers, strict=True)


def _patches(answer: Answer, run: Mapping[str, Any]) -> Iterator[_Shape]:
    """Yield the patches of each label, with their mean scores and the sum of their weights."""
    regions = answer.regions
    partition = Partition.of(regions.boxes)
    scores, areas = partition.means(regions.scores), partition.areas
    weights = None if regions.attention is None else partition.spread(regions.attention)
    decided = decide_labels(scores, run)
    for label in np.unique(decided):
        (cells,) = np.nonzero(decided == label)
        for outline, group in merge_boxes(partition.boxes[cells]):
            patch = cells[group]
            numbers = np.average(scores[patch], axis=0, weights=areas[patch])
            if weights is not None:
                numbers = np.append(numbers, weights[patch].sum())
            yield outline, label, numbers


def _classes(run: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    """Return QuPath's classification of each label; the last one, at index -1, is None."""
    titles = [label.title for label in card_labels(run).values()]
    colours = map(_colour, range(len(titles)))
    return [
        *({"name": name, "color": each} for name, each in zip(titles, colours, strict=True)),
        None,
    ]


def _colour(index: int) -> list[int]:
    """Return the colour of a label; after the seventh, the colours repeat in darker shades."""
    shade, colour = divmod(index, len(_COLOURS))
    return [round(part * 0.6**shade) for part in _COLOURS[colour]]


def _feature(
    kind: str,
    answer: Answer,
    outline: dict[str, Any],
    classification: dict[str, Any] | None,
    numbers: NDArray[np.floating],
) -> dict[str, Any]:
    """Return an object; its id is the same in every run."""
    identity = json.dumps([answer.prediction.item.id, kind, outline["coordinates"]])
    properties: dict[str, Any] = {"objectType": kind}
    if classification is not None:
        properties["classification"] = classification
    names = answer.labels if answer.regions.attention is None else (*answer.labels, "attention")
    properties["measurements"] = dict(zip(names, numbers.tolist(), strict=True))
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
        "geometry": outline,
        "properties": properties,
    }
