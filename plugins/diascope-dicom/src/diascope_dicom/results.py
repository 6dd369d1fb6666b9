"""Make the DICOM results of a run one at a time; a failure does not affect other results."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from diascope.errors import ReadError, reason_of
from diascope.library_warnings import capture_warnings
from diascope.sample import Prediction, Record
from diascope_dicom.identifiers import encode
from diascope_dicom.source import NoResultError, read_source

if TYPE_CHECKING:
    from pydicom import Dataset

ResultMaker = Callable[["Dataset", Prediction, Mapping[str, Any]], Iterable["Dataset"]]
"""Makes results from the header of a source, its prediction and the content of ``run.json``."""

COLUMNS = ("item", "state", "file", "reason")


@dataclass(frozen=True)
class Result:
    """The outcome for one answer. An answer with several results has an outcome for each.

    Attributes:
        item: id of the item.
        state: ``left out`` means that the item has no result of this kind.
        reason: why there is no result.
        dataset: the result.
        content: the bytes of its file.
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
    """Yield the results of every record that is a prediction."""
    for record in records:
        if isinstance(record, Prediction):
            yield from _make_results(make, run, record)


def _make_results(
    make: ResultMaker, run: Mapping[str, Any], prediction: Prediction
) -> list[Result]:
    """Return all results of an answer, or a single one that states why there are none."""
    name = prediction.item.id
    try:
        with _silence_libraries():
            datasets = make(read_source(prediction.item), prediction, run)
            return [Result(name, "ok", "", each, encode(each)) for each in datasets]
    except NoResultError as reason:
        return [Result(name, "left out", str(reason))]
    except ReadError as error:
        return [Result(name, "failed", reason_of(error))]
    except Exception as error:  # of any kind
        if _is_unreachable(error):
            return [Result(name, "failed", reason_of(error), source_unreachable=True)]
        return [Result(name, "failed", f"its header does not make a valid result ({_name(error)})")]


def _is_unreachable(error: Exception) -> bool:
    """Return whether a file could not be read.

    If it is damaged, pydicom raises an OSError too, but not of a special kind and without a number.
    """
    return isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None)


def _name(error: Exception) -> str:
    """Return the type of an error and the attributes that it is about.

    Its message is not quoted, because it may hold patient data of the header.
    """
    from pydicom.datadict import keyword_dict, keyword_for_tag

    from diascope.readers.dicom_tags import tag_name

    words = re.findall(r"\w+|\([0-9A-F]{4},[0-9A-F]{4}\)", str(error))
    named = [keyword_for_tag(word[1:5] + word[6:10]) if word[0] == "(" else word for word in words]
    attributes = [tag_name(word) for word in dict.fromkeys(named) if word and word in keyword_dict]
    return ": ".join(filter(None, [type(error).__name__, ", ".join(attributes)]))


@contextmanager
def _silence_libraries() -> Iterator[None]:
    """Suppress messages of pydicom and highdicom on invalid headers, which may quote names."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    with capture_warnings():
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
