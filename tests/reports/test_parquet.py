"""The parquet report: typed rows in shards, and their copies."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from diascope.errors import OutputError
from diascope.reports.parquet import ParquetReport
from diascope.sample import Item, Record
from tests.refusals import refused
from tests.reports.pages import FAILED, RUN, SKIPPED, many, prediction


def write(records: Iterable[Record], directory: Path, **options: Any) -> list[Path]:
    return list(ParquetReport(**options).write(RUN, records, directory))


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def test_a_prediction_has_its_exact_scores_and_its_lists(tmp_path: Path) -> None:
    told = prediction(
        bright=0.1 + 0.2, novelty=1.5, prediction_set=("dark", "bright"), warnings=("odd",)
    )

    (row,) = read(write([told], tmp_path))

    assert row == {
        "item": "a.png",
        "state": "ok",
        "predicted": ["dark"],
        "score_kind": "softmax",
        "score.dark": 1 - (0.1 + 0.2),
        "score.bright": 0.1 + 0.2,
        "novelty": 1.5,
        "out_of_distribution": True,
        "prediction_set": ["dark", "bright"],
        "warnings": ["odd"],
        "trace": ["spacing assumed 0.5 um from the recipe"],
        "stage": None,
        "plugin": None,
        "reason": None,
    }


def test_failed_and_skipped_items_have_their_reasons(tmp_path: Path) -> None:
    failed, skipped = read(write([FAILED, SKIPPED], tmp_path))

    assert (failed["state"], failed["stage"], failed["plugin"]) == ("failed", "read", "image")
    assert failed["reason"] == "the file is truncated"
    assert (skipped["state"], skipped["stage"]) == ("skipped", None)
    assert failed["score.dark"] is None
    assert failed["predicted"] is None


def test_unknown_values_are_null_and_not_empty(tmp_path: Path) -> None:
    (row,) = read(write([prediction(predicted=())], tmp_path))

    assert (row["predicted"], row["prediction_set"]) == ([], None)
    assert (row["novelty"], row["out_of_distribution"]) == (None, None)


def test_shards_have_the_items_in_order_and_the_same_schema(tmp_path: Path) -> None:
    shards = write(many(25), tmp_path, rows=10)

    assert [path.name for path in shards] == [f"predictions-0000{n}.parquet" for n in range(3)]
    assert [pq.read_metadata(path).num_rows for path in shards] == [10, 10, 5]
    assert [row["item"] for row in read(shards)] == [f"item-{n}.png" for n in range(25)]
    assert len({pq.read_schema(path).to_string() for path in shards}) == 1


def test_a_run_that_fills_its_shards_has_no_empty_one(tmp_path: Path) -> None:
    assert len(write(many(20), tmp_path, rows=10)) == 2


def test_a_run_without_items_has_one_empty_shard(tmp_path: Path) -> None:
    (shard,) = write([], tmp_path)

    assert read([shard]) == []
    assert "score.bright" in pq.read_schema(shard).names


def test_a_name_that_is_not_unicode_can_be_written(tmp_path: Path) -> None:
    (row,) = read(write([replace(FAILED, item=Item("caf\udce9.png", "/x"))], tmp_path))

    assert row["item"] == "caf?.png"


def test_memory_does_not_grow_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diascope.reports.parquet._GROUP", 100)

    def peak(number: int) -> int:
        tracemalloc.start()
        write((prediction(f"{n}.png", evidence=False) for n in range(number)), tmp_path)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)  # imports
    assert peak(3000) < 1.5 * peak(500)


def test_shards_are_copied_and_surplus_ones_of_a_longer_run_removed(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    elsewhere = tmp_path / "else[where]"
    write(many(25), tmp_path / "own", rows=10, to=f"file://{elsewhere}")

    shards = write(many(15), tmp_path / "own", rows=10, to=f"file://{elsewhere}/")

    copies = sorted(elsewhere.iterdir())
    assert [copy.read_bytes() for copy in copies] == [shard.read_bytes() for shard in shards]


class Store(MemoryFileSystem):  # type: ignore[misc]
    """A file system whose first path component is a bucket, as in an object store."""

    protocol = "store"
    root_marker = ""
    buckets = ("there",)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("store://").strip("/")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        raise AssertionError(f"{path} would be created")

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        if rpath.partition("/")[0] not in self.buckets:
            raise FileNotFoundError("The specified bucket does not exist")
        self.pipe_file(rpath, Path(lpath).read_bytes())


def test_no_bucket_is_created_for_a_misspelt_name(tmp_path: Path) -> None:
    import fsspec

    fsspec.register_implementation("store", Store, clobber=True)
    write(many(1), tmp_path, to="store://there/run")
    assert fsspec.filesystem("store").find("there/run") == ["there/run/predictions-00000.parquet"]
    with pytest.raises(OutputError, match="bucket does not exist"):
        write(many(1), tmp_path, to="store://their/run")


def test_a_destination_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    uri = (tmp_path / "file/inside").as_uri()

    with pytest.raises(OutputError, match="the shards cannot be copied") as raised:
        write(many(1), tmp_path, to=uri)

    assert raised.value.where == uri


def test_a_shard_without_rows_is_refused() -> None:
    message = refused(ParquetReport, {"rows": 0})

    assert message == "rows must be a whole number of at least 1, got 0"
