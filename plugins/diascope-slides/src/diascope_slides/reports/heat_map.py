"""A picture of each slide with the heat map of a label over it: ``slides/<name>/<label>.png``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from diascope.sample import Record
from diascope_slides.reports.answers import answers, card_labels
from diascope_slides.reports.names import safe_name


@dataclass(frozen=True)
class HeatMapReport:
    """``slides/<name>/<label>.png``: the slide in grey, its tiles in the colours of their scores.

    With the outline of what the reader took for tissue, a scale bar, a colour bar on which the
    label's operating point is marked, and below the drawing the answer's warnings and what was
    assumed, such as the spacing. Tiles that overlap are averaged.

    Args:
        labels: draw a picture of the predicted labels only, or of all.
        opacity: of the heat map, above 0, up to 1.
    """

    labels: Literal["predicted", "all"] = "predicted"
    opacity: float = 0.7
    api: ClassVar = (1, 2)

    def __post_init__(self) -> None:
        if not 0 < self.opacity <= 1:
            raise ValueError(f"opacity must be above 0 and at most 1, got {self.opacity}")

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the pictures and return their paths; none if the run is of other pictures."""
        from diascope_slides.reports.drawing import draw

        known = card_labels(run)
        paths = []
        for answer in answers(records):
            folder = directory / "slides" / answer.name
            shown = answer.prediction.predicted if self.labels == "predicted" else answer.labels
            for label in shown:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{safe_name(label)}.png"
                draw(path, answer, label, known[label], self.opacity)
                paths.append(path)
        return paths
