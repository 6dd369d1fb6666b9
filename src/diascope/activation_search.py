"""Look through a table for the pictures that excite a label or a filter most."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diascope.classifier import Classifier
from diascope.errors import ReadError, TableError
from diascope.explain.steps import Stage
from diascope.explain.targets import Outputs, Target, watched
from diascope.explain.top_activating import Excited, Gallery, kept
from diascope.inference_trace import answered, prepared
from diascope.preparation import Preparation
from diascope.sample import Item
from diascope.table import columns_hint, named_in, rows_of


@dataclass(frozen=True)
class Row:
    """A picture of a table, and its labels; empty if the table has none."""

    name: str
    path: Path
    labels: tuple[str, ...]


def read_rows(table: Path) -> list[Row]:
    """Read the column ``path``, and ``label`` or ``labels`` if there is one.

    Raises:
        TableError: if that cannot be done.
    """
    columns, rows = rows_of(table)
    if "path" not in columns:
        raise TableError(
            f"needs a column path, got {', '.join(columns) or 'none'}",
            where=str(table),
            hint=columns_hint(columns),
        )
    if not rows:
        raise TableError("has no rows below the names of its columns", where=str(table))
    return [_row(row, table.parent) for _, row in rows]


def gallery_of(
    classifier: Classifier,
    preparation: Preparation,
    targets: Sequence[Target],
    rows: Sequence[Row],
    *,
    limit: int,
    seed: int,
) -> Gallery:
    """Look at pictures, at most ``limit`` drawn by lot, and keep those that excite most.

    A picture that cannot be used is left out and counted.
    """
    start = time.perf_counter()
    once = replace(classifier, test_time="none")
    strongest: dict[str, list[Excited]] = {target.name: [] for target in targets}
    left_out = Counter[str]()
    lot = np.random.default_rng(seed).permutation(len(rows))[:limit].tolist()
    for row in (rows[place] for place in lot):
        try:
            stage, seen = _looked(once, preparation, targets, row)
        except ReadError as error:
            left_out[str(error)] += 1
            continue
        for target in targets:
            response = target.response(seen)
            new = Excited(row.name, row.labels, stage.pixels, response)
            strongest[target.name] = kept(strongest[target.name], new)
    looked = len(lot) - left_out.total()
    return Gallery(len(rows), strongest, left_out, looked, time.perf_counter() - start)


def _looked(
    classifier: Classifier, preparation: Preparation, targets: Sequence[Target], row: Row
) -> tuple[Stage, Outputs]:
    """Return the picture after the last step, and what the targets' modules gave of it."""
    item = Item(row.name, str(row.path.absolute()))
    sample, stages, _ = prepared(preparation, item)
    _, seen = watched(targets, lambda: answered(classifier, sample))
    return stages[-1], seen


def _row(row: dict[str, str], folder: Path) -> Row:
    name = named_in(folder, row["path"] or "")
    cells = (row.get("labels") or row.get("label") or "").split("|")
    return Row(name, folder / name, tuple(cell.strip() for cell in cells if cell.strip()))
