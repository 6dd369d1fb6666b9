"""Pictures of a table with the evidence for their true labels, and the masks it should lie in."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diascope.classifier import Classifier
from diascope.csv_rows import strip_path
from diascope.display_text import plural
from diascope.errors import ReadError, TableError
from diascope.evaluation.evidence_masks import transform_mask
from diascope.inference_trace import apply_steps, classify_sample, read_first_sample
from diascope.pipeline import Pipeline
from diascope.plugins import find_plugin, load_plugin
from diascope.preparation import Part, Preparation
from diascope.sample import Item, Sample
from diascope.table import Example

MASK = "mask"
"""The column with the path, relative to the table, of a mask image that is white inside.

A column ``mask.<label>`` holds the mask of one label, which counts before that of all.
"""

_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Case:
    """One picture and one of its true labels.

    Attributes:
        column: index of the label among the scores.
        output: index of the label among the network's outputs.
        batch: ``(1, C, H, W)``, the network's input, not mirrored.
        map: ``(h, w)``, the evidence for the label, as a report shows it.
        mask: ``(H, W)``; None if the table has none.
    """

    group: str
    column: int
    output: int
    batch: Tensor
    map: NDArray[np.float32]
    mask: NDArray[np.bool_] | None


def masks_of(row: Example, folder: Path) -> dict[str, Path]:
    """Return the paths of a row's masks, by column."""
    named = {
        column: strip_path(folder, name)
        for column, name in row.columns.items()
        if column == MASK or column.startswith(f"{MASK}.")
    }
    return {column: folder / name for column, name in named.items() if name}


def refuse_missing_masks(examples: Sequence[Example], table: Path) -> None:
    """Raise a TableError that names missing masks, if there are any."""
    named = [(row.line, path) for row in examples for path in masks_of(row, table.parent).values()]
    missing = [(line, path) for line, path in named if not os.path.isfile(path)]  # noqa: PTH113
    if missing:
        shown = "; ".join(f"line {line}: {path}" for line, path in missing[:_SHOWN])
        raise TableError(f"{plural(len(missing), 'mask')} missing: {shown}", where=str(table))


@dataclass(frozen=True)
class CaseBuilder:
    """Classifies single pictures of a table with a recipe's model to get their evidence.

    Attributes:
        classifier: returning the evidence of all labels.
        folder: the table's, to which paths of masks are relative.
    """

    classifier: Classifier
    preparation: Preparation
    folder: Path

    @classmethod
    def of(cls, pipeline: Pipeline, classifier: Classifier, table: Path) -> "CaseBuilder":
        """Return a builder with the preparation of a pipeline and its loaded model."""
        return cls(classifier, pipeline.preparation, table.parent)

    def cases(self, example: Example) -> Iterator[Case]:
        """Yield a case for each true label that has an output of its own.

        Raises:
            ReadError: if the picture or its mask cannot be used.
        """
        card = self.classifier.card
        steps = self.preparation.steps
        sample, stages = apply_steps(_read(self.preparation, example.path), steps)
        masks = {
            column: transform_mask(_read_mask(path), stages, steps)
            for column, path in masks_of(example, self.folder).items()
        }
        prediction, batch = classify_sample(self.classifier, sample)
        for each in prediction.evidence:
            if each.label in example.labels:
                column = card.names.index(each.label)
                output = card.output_names.index(each.label)
                mask = masks.get(f"{MASK}.{each.label}", masks.get(MASK))
                yield Case(example.group, column, output, batch, each.map, mask)


def _read_mask(path: Path) -> Sample:
    plugin = find_plugin("reader", "image")
    reader = Part(plugin, load_plugin(plugin)())
    return _read(Preparation((reader,), (), block=1), path)


def _read(preparation: Preparation, path: Path) -> Sample:
    """Return the only picture of a file, before preprocessing."""
    sample, more = read_first_sample(preparation, Item(path.name, str(path.absolute())))
    if more:
        raise ReadError("it holds more than one picture")
    return sample
