"""Select the answers of a run that slide reports show: those of items that were read in tiles."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import heat_limits, heat_map
from diascope.sample import Overview, Prediction, Record, Regions
from diascope_slides.reports.names import safe_name


@dataclass(frozen=True)
class Answer:
    """The answer for a slide and its tiles.

    Attributes:
        name: unique file name for the files of this slide.
    """

    name: str
    prediction: Prediction
    overview: Overview
    regions: Regions

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the tiles' scores."""
        return tuple(self.prediction.scores)

    @property
    def caveats(self) -> tuple[str, ...]:
        """Reasons not to trust the answer or its scale bar: warnings, and what was assumed."""
        assumed = (line for line in self.prediction.trace if "assumed" in line)
        return (*self.prediction.warnings, *assumed)

    def heat(
        self, label: str, shape: tuple[int, int], size: tuple[float, float]
    ) -> NDArray[np.float32]:
        """Return a map of ``shape`` with the tiles' scores for a label, NaN where there is no tile.

        Args:
            size: (height, width) of the area that the map covers from the slide's upper left
                corner, in full-resolution pixels.
        """
        return heat_map(self.regions.boxes, self._scores(label), size, shape)

    def limits(self, label: str) -> tuple[float, float]:
        """Return the scores at the first and the last colour of a label's heat map."""
        return heat_limits(self._scores(label), self.prediction.score_kind)

    def _scores(self, label: str) -> NDArray[np.float32]:
        return self.regions.scores[:, self.labels.index(label)]


def answers(records: Iterable[Record]) -> Iterator[Answer]:
    """Yield the answers for slides, holding one in memory at a time; skip all other records."""
    for record in records:
        if (
            isinstance(record, Prediction)
            and record.overview is not None
            and record.regions is not None
        ):
            name = safe_name(record.item.id)
            yield Answer(name, record, record.overview, record.regions)


@dataclass(frozen=True)
class CardLabel:
    """Title and operating point of a label from the card in ``run.json``."""

    title: str
    point: float | None


def card_labels(run: Mapping[str, Any]) -> dict[str, CardLabel]:
    """Return the card's labels by name, in the order of the card."""
    return {
        label["name"]: CardLabel(label.get("title") or label["name"], label.get("operating_point"))
        for label in run["card"]["labels"]
    }
