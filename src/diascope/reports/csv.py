"""Tables that any program opens: ``predictions.csv`` and ``failures.csv``."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from diascope.sample import Failed, Prediction, Record


@dataclass(frozen=True)
class CsvReport:
    """``predictions.csv``: item, predicted (joined by a bar), score_kind, a score a label, warnings
    (why not to trust the answer) and trace, both joined by semicolons; with ``run.coverage`` also
    prediction_set (joined by a bar); if the card has a limit for it also novelty (1 is the limit)
    and out_of_distribution (true or false).

    ``failures.csv``: item, state (failed or skipped), stage, plugin, reason.
    """

    api: ClassVar = (1, 0)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        labels = [label["name"] for label in run["card"]["labels"]]
        predictions, failures = directory / "predictions.csv", directory / "failures.csv"
        with (
            predictions.open("w", newline="", encoding="utf-8") as good,
            failures.open("w", newline="", encoding="utf-8") as bad,
        ):
            answers, ends = csv.writer(good), csv.writer(bad)
            scores = [f"score.{label}" for label in labels]
            covered = run["recipe"]["run"]["coverage"] is not None
            limited = run["card"]["novelty"] is not None
            sets = ["prediction_set"] if covered else []
            novel = ["novelty", "out_of_distribution"] if limited else []
            first, last = ["item", "predicted", "score_kind"], ["warnings", "trace"]
            answers.writerow([*first, *scores, *sets, *novel, *last])
            ends.writerow(["item", "state", "stage", "plugin", "reason"])
            for record in records:
                if isinstance(record, Prediction):
                    answers.writerow(_answer(record, labels, covered, limited))
                else:
                    ends.writerow(_end(record))
        return predictions, failures


def _answer(
    prediction: Prediction, labels: Sequence[str], covered: bool, limited: bool
) -> list[str]:
    return [
        prediction.item.id,
        "|".join(prediction.predicted),
        prediction.score_kind,
        *(repr(float(prediction.scores[label])) for label in labels),
        *(["|".join(prediction.prediction_set or ())] if covered else []),
        *(_novelty(prediction) if limited else []),
        "; ".join(prediction.warnings),
        "; ".join(prediction.trace),
    ]


def _novelty(prediction: Prediction) -> list[str]:
    """Return two cells, empty if the model tells nothing."""
    if prediction.novelty is None:
        return ["", ""]
    return [repr(float(prediction.novelty)), str(prediction.out_of_distribution).lower()]


def _end(record: Record) -> list[str]:
    if isinstance(record, Failed):
        return [record.item.id, "failed", record.stage, record.plugin, record.reason]
    assert not isinstance(record, Prediction)
    return [record.item.id, "skipped", "", "", record.reason]
