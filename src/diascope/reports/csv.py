"""The CSV report: ``predictions.csv`` and ``failures.csv``."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from diascope.sample import Failed, Prediction, Record


@dataclass(frozen=True)
class CsvReport:
    """Two tables, ``predictions.csv`` and ``failures.csv``.

    ``predictions.csv``: item, predicted (joined by a bar), score_kind, one score per label,
    warnings (reasons not to trust the prediction) and trace, both joined by semicolons. With
    ``run.coverage`` also prediction_set (joined by a bar). If the card has a novelty limit, also
    novelty (1 is the limit) and out_of_distribution (true or false).

    ``failures.csv``: item, state (failed or skipped), stage, plugin, reason.
    """

    api: ClassVar = (1, 0)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        labels = [label["name"] for label in run["card"]["labels"]]
        predictions, failures = directory / "predictions.csv", directory / "failures.csv"
        with (
            predictions.open("w", newline="", encoding="utf-8") as prediction_file,
            failures.open("w", newline="", encoding="utf-8") as failure_file,
        ):
            prediction_rows, failure_rows = csv.writer(prediction_file), csv.writer(failure_file)
            with_set = run["recipe"]["run"]["coverage"] is not None
            with_novelty = run["card"]["novelty"] is not None
            prediction_rows.writerow(
                [
                    *("item", "predicted", "score_kind"),
                    *(f"score.{label}" for label in labels),
                    *(["prediction_set"] if with_set else []),
                    *(["novelty", "out_of_distribution"] if with_novelty else []),
                    *("warnings", "trace"),
                ]
            )
            failure_rows.writerow(["item", "state", "stage", "plugin", "reason"])
            for record in records:
                if isinstance(record, Prediction):
                    prediction_rows.writerow(
                        _prediction_row(record, labels, with_set, with_novelty)
                    )
                else:
                    failure_rows.writerow(_failure_row(record))
        return predictions, failures


def _prediction_row(
    prediction: Prediction, labels: Sequence[str], with_set: bool, with_novelty: bool
) -> list[str]:
    return [
        prediction.item.id,
        "|".join(prediction.predicted),
        prediction.score_kind,
        *(repr(float(prediction.scores[label])) for label in labels),
        *(["|".join(prediction.prediction_set or ())] if with_set else []),
        *(_novelty_cells(prediction) if with_novelty else []),
        "; ".join(prediction.warnings),
        "; ".join(prediction.trace),
    ]


def _novelty_cells(prediction: Prediction) -> list[str]:
    """Return both novelty cells, empty if the prediction has no novelty."""
    if prediction.novelty is None:
        return ["", ""]
    return [repr(float(prediction.novelty)), str(prediction.out_of_distribution).lower()]


def _failure_row(record: Record) -> list[str]:
    if isinstance(record, Failed):
        return [record.item.id, "failed", record.stage, record.plugin, record.reason]
    assert not isinstance(record, Prediction)
    return [record.item.id, "skipped", "", "", record.reason]
