"""Search a table for the pictures with the highest response of a label, filter or channel."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diascope.classifier import Classifier
from diascope.csv_rows import columns_hint, read_csv_rows, strip_path
from diascope.errors import ReadError, TableError
from diascope.explain.steps import Stage
from diascope.explain.targets import ModuleOutputs, Target, record_outputs
from diascope.explain.top_activating import ActivatingPicture, TopActivating, keep_strongest
from diascope.inference_trace import classify_sample, prepare_first_sample
from diascope.preparation import Preparation
from diascope.sample import Item


@dataclass(frozen=True)
class ListedPicture:
    """A picture of a table and its labels, which are empty if the table has none."""

    name: str
    path: Path
    labels: tuple[str, ...]


def read_rows(table: Path) -> list[ListedPicture]:
    """Read the column ``path``, and ``label`` or ``labels`` if there is one.

    Raises:
        TableError: if the table cannot be read, lacks the column or has no rows.
    """
    columns, rows = read_csv_rows(table)
    if "path" not in columns:
        raise TableError(
            f"needs a column path, got {', '.join(columns) or 'none'}",
            where=str(table),
            hint=columns_hint(columns),
        )
    if not rows:
        raise TableError("has no rows below the names of its columns", where=str(table))
    return [_parse_row(row, table.parent) for _, row in rows]


def find_top_activating(
    classifier: Classifier,
    preparation: Preparation,
    targets: Sequence[Target],
    rows: Sequence[ListedPicture],
    *,
    limit: int,
    seed: int,
) -> TopActivating:
    """Find the pictures that activate each target most, among at most ``limit`` random rows.

    Pictures that cannot be read or preprocessed are left out and counted by reason.
    """
    start = time.perf_counter()
    unmirrored = replace(classifier, test_time="none")
    strongest: dict[str, list[ActivatingPicture]] = {target.name: [] for target in targets}
    left_out = Counter[str]()
    order = np.random.default_rng(seed).permutation(len(rows))[:limit].tolist()
    for row in (rows[place] for place in order):
        try:
            stage, outputs = _module_outputs(unmirrored, preparation, targets, row)
        except ReadError as error:
            left_out[str(error)] += 1
            continue
        for target in targets:
            response = target.response(outputs)
            new = ActivatingPicture(row.name, row.labels, stage.pixels, response)
            strongest[target.name] = keep_strongest(strongest[target.name], new)
    searched = len(order) - left_out.total()
    return TopActivating(len(rows), strongest, left_out, searched, time.perf_counter() - start)


def _module_outputs(
    classifier: Classifier, preparation: Preparation, targets: Sequence[Target], row: ListedPicture
) -> tuple[Stage, ModuleOutputs]:
    """Return the picture after the last step, and the outputs of the targets' modules for it."""
    item = Item(row.name, str(row.path.absolute()))
    sample, stages, _ = prepare_first_sample(preparation, item)
    _, outputs = record_outputs(targets, lambda: classify_sample(classifier, sample))
    return stages[-1], outputs


def _parse_row(row: dict[str, str], folder: Path) -> ListedPicture:
    name = strip_path(folder, row["path"] or "")
    cells = (row.get("labels") or row.get("label") or "").split("|")
    return ListedPicture(name, folder / name, tuple(cell.strip() for cell in cells if cell.strip()))
