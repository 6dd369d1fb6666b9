"""Scores, decisions and true labels of a table's items: the input of every metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from diascope.card import Task
from diascope.sample import ScoreKind

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelledScores:
    """Answers and truth of N items and L labels.

    Attributes:
        names: the labels.
        items: name of each item.
        groups: group of each item, such as its patient; a bootstrap draws whole groups.
        targets: ``(N, L)`` 0 or 1, NaN where unknown; binary has two columns (negative, positive).
        scores: ``(N, L)`` in [0, 1].
        predicted: ``(N, L)``, the labels decided on.
        sets: ``(N, L)``, the conformal prediction sets.
        coverage: nominal coverage of the sets.
        columns: further columns of the table, N texts each.

    Raises:
        ValueError: if the shapes do not agree, or a score is outside [0, 1].
    """

    names: tuple[str, ...]
    task: Task
    items: tuple[str, ...]
    groups: tuple[str, ...]
    targets: Floats
    scores: Floats
    predicted: Booleans
    score_kind: ScoreKind
    sets: Booleans | None = None
    coverage: float | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.items), len(self.names))
        tables = {"targets": self.targets, "scores": self.scores, "predicted": self.predicted}
        if self.sets is not None:
            tables["sets"] = self.sets
        for name, table in tables.items():
            if table.shape != shape:
                raise ValueError(f"{name} must be {shape}, got {table.shape}")
        for name, column in {"groups": self.groups, **self.columns}.items():
            if len(column) != len(self.items):
                raise ValueError(f"{name} must have {len(self.items)} entries, got {len(column)}")
        if not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ValueError("scores must be in [0, 1]")

    def __len__(self) -> int:
        return len(self.items)

    @property
    def measured(self) -> dict[str, int]:
        """The labels that are measured one against the rest, with their columns.

        A binary task measures only its positive label.
        """
        columns = {name: column for column, name in enumerate(self.names)}
        return {self.names[1]: 1} if self.task == "binary" else columns

    @property
    def complete(self) -> Booleans:
        """``(N,)``, the items of which all labels are known."""
        return np.asarray(~np.isnan(self.targets).any(axis=1))

    def label(self, column: int) -> tuple[Booleans, Booleans, Floats, Booleans]:
        """Return a mask of the items with a known label, and their truth, scores and decisions."""
        known = ~np.isnan(self.targets[:, column])
        truth = self.targets[known, column] == 1
        return known, truth, self.scores[known, column], self.predicted[known, column]

    def confidences(self) -> dict[str, tuple[Booleans, Floats, Booleans]]:
        """Return scores to calibrate by name: a mask of known items, their scores, and if right.

        Multiclass: the top label's score. Otherwise: each label's.
        """
        if self.task != "multiclass":
            labels = ((name, *self.label(column)) for name, column in self.measured.items())
            return {name: (known, scores, truth) for name, known, truth, scores, _ in labels}
        known = self.complete
        scores, targets = self.scores[known], self.targets[known]
        correct = targets[np.arange(len(scores)), scores.argmax(axis=1)] == 1
        return {"top label": (known, scores.max(axis=1), correct)}

    def counts(self) -> dict[str, int]:
        """Return the number of items with each label."""
        present = np.nansum(self.targets, axis=0)
        return {name: int(count) for name, count in zip(self.names, present, strict=True)}

    def take(self, rows: Booleans | NDArray[np.intp]) -> "LabelledScores":
        """Return some of the items, by a mask of N or by their indices."""
        indices = np.arange(len(self))[rows]

        def pick(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(texts[index] for index in indices)

        return replace(
            self,
            items=pick(self.items),
            groups=pick(self.groups),
            targets=self.targets[indices],
            scores=self.scores[indices],
            predicted=self.predicted[indices],
            sets=None if self.sets is None else self.sets[indices],
            columns={name: pick(column) for name, column in self.columns.items()},
        )


def concatenate(parts: Sequence[LabelledScores]) -> LabelledScores:
    """Return the items of several models with the same labels, as if one model had answered.

    The result's scores are probabilities only if those of all parts are, and it has sets only if
    all parts have.
    """
    first = parts[0]
    sets = [part.sets for part in parts if part.sets is not None]
    all_sets = len(sets) == len(parts)
    kinds = [part.score_kind for part in parts if part.score_kind != "probability"]
    return replace(
        first,
        items=sum((part.items for part in parts), ()),
        groups=sum((part.groups for part in parts), ()),
        targets=np.concatenate([part.targets for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        predicted=np.concatenate([part.predicted for part in parts]),
        score_kind=kinds[0] if kinds else "probability",
        sets=np.concatenate(sets) if all_sets else None,
        coverage=first.coverage if all_sets else None,
        columns={name: sum((part.columns[name] for part in parts), ()) for name in first.columns},
    )
