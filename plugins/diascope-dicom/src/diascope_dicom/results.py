"""The results of a run's records, one at a time; one that cannot be made stops no other."""

import io
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from diascope.errors import ReadError, reason_of
from diascope.sample import Prediction, Record
from diascope_dicom.source import NoResultError, read_source

if TYPE_CHECKING:
    from pydicom import Dataset

ResultMaker = Callable[["Dataset", Prediction, Mapping[str, Any]], Iterable["Dataset"]]
"""Makes the results of a source's header, its answer and the content of ``run.json``."""

COLUMNS = ("item", "state", "file", "reason")


@dataclass(frozen=True)
class Result:
    """What became of one answer; of one that has several results, each is told.

    Attributes:
        item: the item's id.
        state: ``left out`` is an item that has no such result.
        reason: why there is no result.
        dataset, content: the result, and the bytes of its file.
        source_unreachable: the result failed because its source could not be read, for example from
            a busy service; another attempt may succeed.
    """

    item: str
    state: Literal["ok", "failed", "left out"]
    reason: str = ""
    dataset: "Dataset | None" = None
    content: bytes = b""
    source_unreachable: bool = False


def results(
    make: ResultMaker, run: Mapping[str, Any], records: Iterable[Record]
) -> Iterator[Result]:
    """Yield the results of every record that is an answer."""
    for record in records:
        if isinstance(record, Prediction):
            yield from _results(make, run, record)


def _results(make: ResultMaker, run: Mapping[str, Any], prediction: Prediction) -> list[Result]:
    """Return all results of an answer, or the one that says why there are none."""
    name = prediction.item.id
    try:
        with _quiet():
            made = make(read_source(prediction.item), prediction, run)
            return [Result(name, "ok", "", each, _encoded(each)) for each in made]
    except NoResultError as reason:
        return [Result(name, "left out", str(reason))]
    except (ReadError, OSError) as error:
        lost = isinstance(error, OSError)
        return [Result(name, "failed", reason_of(error), source_unreachable=lost)]
    except Exception as error:  # a stranger's header may hold anything; words may quote the patient
        kind = type(error).__name__
        return [Result(name, "failed", f"its header does not make a valid result ({kind})")]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pydicom and highdicom from telling of odd values in a header: they quote names."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _encoded(dataset: "Dataset") -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
