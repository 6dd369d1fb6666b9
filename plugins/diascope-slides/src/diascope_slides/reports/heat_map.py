"""Write pictures of each slide under the heat map of a label: ``slides/<name>/<label>.png``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval

from diascope.sample import Record
from diascope_slides.reports.answers import answers, card_labels
from diascope_slides.reports.names import safe_name


@dataclass(frozen=True)
class HeatMapReport:
    """``slides/<name>/<label>.png``: the slide in grey, with its tiles coloured by their scores.

    The picture has the outline of the detected tissue, a scale bar, and a colour bar with the
    label's operating point. Below it are the answer's warnings and what was assumed, such as the
    spacing. Overlapping tiles are averaged.

    Args:
        labels: draw pictures of the predicted labels only, or of all labels.
        opacity: opacity of the heat map, above 0 and up to 1.
    """

    labels: Literal["predicted", "all"] = "predicted"
    opacity: Annotated[float, Interval(gt=0, le=1)] = 0.7
    api: ClassVar = (1, 2)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the pictures and return their paths; none if the run has no slides."""
        from diascope_slides.reports.drawing import draw

        described = card_labels(run)
        paths = []
        for answer in answers(records):
            folder = directory / "slides" / answer.name
            labels = answer.prediction.predicted if self.labels == "predicted" else answer.labels
            for label in labels:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{safe_name(label)}.png"
                draw(path, answer, label, described[label], self.opacity)
                paths.append(path)
        return paths
