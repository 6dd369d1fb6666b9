"""The Parquet report: typed tables in shards, for runs that are too large for one CSV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge

from diascope.display_text import replace_undecodable
from diascope.errors import OutputError, PluginError
from diascope.extras import install_command
from diascope.sample import Failed, Prediction, Record, state_of

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP = 8192
"""Rows in memory at a time, and in a row group."""


@dataclass(frozen=True)
class ParquetReport:
    """``predictions-00000.parquet`` and so on: all items, including failed and skipped ones.

    Columns: item; state (ok, failed or skipped); predicted, prediction_set, warnings and trace
    (lists of text); score_kind; ``score.<label>`` for each label and novelty (float64);
    out_of_distribution (bool); stage, plugin and reason of an item that is not ok. Unknown values
    are null.

    Attributes:
        rows: the number of rows per shard.
        to: a folder to copy the shards to, as a URI that fsspec can open, such as
            ``s3://bucket/run``. The bucket must exist. Shards of an earlier run are replaced or
            removed.
    """

    rows: Annotated[int, Ge(1)] = 100_000
    to: str | None = None
    api: ClassVar = (1, 0)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the shards, with at most ``_GROUP`` rows in memory.

        Raises:
            PluginError: if pyarrow is not installed.
            OutputError: if ``to`` cannot be written.
        """
        labels = [label["name"] for label in run["card"]["labels"]]
        shards = list(_shards(iter(records), labels, self.rows, directory))
        if self.to is not None:
            _copy(shards, self.to)
        return shards


def _shards(
    records: Iterator[Record], labels: Sequence[str], size: int, directory: Path
) -> Iterator[Path]:
    """Write and yield the shards; a run without items has one empty shard."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise PluginError(
            "the report parquet needs pyarrow", hint=install_command("parquet")
        ) from error
    schema = _schema(labels)
    number = 0
    while (first := next(records, None)) is not None or not number:
        path = directory / f"predictions-{number:05d}.parquet"
        shard = chain([] if first is None else [first], islice(records, size - 1))
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            while group := list(islice(shard, _GROUP)):
                rows = [_row(record, labels) for record in group]
                file.write_table(pa.Table.from_pylist(rows, schema=schema))
        yield path
        number += 1


def _schema(labels: Sequence[str]) -> "pa.Schema":
    import pyarrow as pa

    text, texts, number = pa.string(), pa.list_(pa.string()), pa.float64()
    return pa.schema(
        [
            ("item", text),
            ("state", text),
            ("predicted", texts),
            ("score_kind", text),
            *((f"score.{label}", number) for label in labels),
            ("novelty", number),
            ("out_of_distribution", pa.bool_()),
            ("prediction_set", texts),
            ("warnings", texts),
            ("trace", texts),
            ("stage", text),
            ("plugin", text),
            ("reason", text),
        ]
    )


def _row(record: Record, labels: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"item": replace_undecodable(record.item.id), "state": state_of(record)}
    if not isinstance(record, Prediction):
        row["reason"] = replace_undecodable(record.reason)
        return row | (
            {"stage": record.stage, "plugin": record.plugin} if isinstance(record, Failed) else {}
        )
    return row | {
        "predicted": record.predicted,
        "score_kind": record.score_kind,
        **{f"score.{label}": float(record.scores[label]) for label in labels},
        "novelty": None if record.novelty is None else float(record.novelty),
        "out_of_distribution": record.out_of_distribution,
        "prediction_set": record.prediction_set,
        "warnings": record.warnings,
        "trace": record.trace,
    }


def _copy(shards: Sequence[Path], uri: str) -> None:
    """Copy shards to another folder, and remove surplus shards of an earlier run there."""
    from fsspec.core import url_to_fs

    try:
        system, folder = url_to_fs(uri.rstrip("/"))
        if system.root_marker or folder.startswith("/"):  # an object store would create a bucket
            system.makedirs(folder, exist_ok=True)
        for shard in shards:
            system.put_file(str(shard), f"{folder}/{shard.name}")
        names = {shard.name for shard in shards}
        for path in system.glob(f"{escape(folder)}/predictions-*.parquet"):
            if path.rpartition("/")[2] not in names:
                system.rm_file(path)
    except Exception as error:  # a file system may raise anything
        raise OutputError(
            f"the shards cannot be copied: {type(error).__name__}: {error}",
            where=uri,
            hint="The same command tries again; nothing is classified twice.",
        ) from error
