"""Runs whose ledger is damaged, or whose output folder is deleted or becomes read-only."""

import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from diascope import ledger_file, runner
from diascope.executors.local import LocalExecutor
from diascope.ledger import Ledger
from diascope.output_errors import describe_output_error
from diascope.sample import Failed, Item
from tests.runs import Ended, write_pictures

Command = Callable[..., Ended]


@pytest.mark.parametrize(("start", "end"), [(0.02, 0.06), (0.3, 0.7)])
def test_a_ledger_with_changed_bytes_is_reported_as_damaged(
    command: Command, recipe: Path, tmp_path: Path, start: float, end: float
) -> None:
    photos, ledger = write_pictures(tmp_path / "photos", 40), tmp_path / "out" / "ledger.sqlite"
    command("run", recipe, photos, "-o", tmp_path / "out")
    content = bytearray(ledger.read_bytes())
    places = slice(int(len(content) * start), int(len(content) * end))
    content[places] = random.Random(1).randbytes(len(content[places]))
    ledger.write_bytes(content)
    ended = command("run", recipe, photos, "-o", tmp_path / "out")
    assert ended.code == 2
    reasons = "database disk image is malformed", "a text in it is not UTF-8"  # as pages lie
    assert any(f"{ledger}: the ledger is damaged: {reason}" in ended.err for reason in reasons)
    assert "choose another --output" in ended.err


def test_a_ledger_locked_by_another_program_is_reported_after_the_timeout(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, ledger = write_pictures(tmp_path / "photos", 8), tmp_path / "out" / "ledger.sqlite"
    arguments = "run", recipe, photos, "-o", tmp_path / "out"
    carry, others = LocalExecutor.run, list[sqlite3.Connection]()

    def struck(self: LocalExecutor, work: Any, chunks: Iterable[Sequence[Item]]) -> Iterator[Any]:
        for records in carry(self, work, chunks):
            yield records
            others.append(sqlite3.connect(ledger, isolation_level=None))
            others[-1].execute("begin immediate")

    monkeypatch.setattr(ledger_file, "_LOCK_TIMEOUT_S", 0.1)
    monkeypatch.setattr(LocalExecutor, "run", struck)
    stopped, refused = command(*arguments), command(*arguments)
    others[0].close()
    assert (stopped.code, refused.code) == (3, 2)
    assert "can no longer be written: database is locked" in stopped.err
    assert f"{ledger}: cannot be written: database is locked" in refused.err


SCHEMA, INDEX = "update sqlite_master set", "where name = 'items_by_uri'"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            "update facts set value = '{' where name = 'engine and precision'",
            "'engine and precision' is not JSON",
        ),
        ("update facts set value = '{' where name = 'seen'", "'seen' is not JSON"),
        ("update facts set value = '{' where name = 'reports'", "'reports' is not JSON"),
        ("update items set stamp = cast(x'ff1b' as text)", "a text in it is not UTF-8\n"),
        (f"{SCHEMA} sql = 'create tabel x' {INDEX}", "malformed database schema\n"),
        (f"{SCHEMA} name = cast(x'ff1b' as text) {INDEX}", "a text in it is not UTF-8\n"),
    ],
)
def test_a_ledger_that_cannot_be_decoded_is_reported_as_damaged(
    command: Command, recipe: Path, tmp_path: Path, change: str, reason: str
) -> None:
    photos = write_pictures(tmp_path / "photos", 2)
    command("run", recipe, photos, "-o", tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / "ledger.sqlite")) as base, base:
        base.execute("pragma writable_schema = on")
        base.execute(change)
    write_pictures(photos, 3)
    ended = command("run", recipe, photos, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "the ledger is damaged" in ended.err
    assert reason in ended.err


def removed(output: Path) -> None:
    shutil.rmtree(output)


def replaced(output: Path) -> None:
    output.rename(output.with_name("elsewhere"))
    output.mkdir()


def removed_with_the_current_folder(output: Path) -> None:
    shutil.rmtree(output.parent)


@pytest.mark.parametrize("strike", [removed, replaced, removed_with_the_current_folder])
def test_a_run_whose_ledger_is_deleted_stops_and_says_what_is_lost(
    command: Command,
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    strike: Callable[[Path], None],
) -> None:
    carry, output = LocalExecutor.run, tmp_path / "here" / "out"

    def struck(self: LocalExecutor, work: Any, chunks: Iterable[Sequence[Item]]) -> Iterator[Any]:
        for number, records in enumerate(carry(self, work, chunks)):
            if number == 1:
                strike(output)
            yield records

    monkeypatch.setattr(LocalExecutor, "run", struck)
    output.parent.mkdir()
    monkeypatch.chdir(output.parent)
    ended = command("run", recipe, write_pictures(tmp_path / "photos", 12), "-o", output.name)
    assert ended.code == 3
    assert "the ledger is gone, and with it all that was done here" in ended.err
    assert "Traceback" not in ended.err
    assert "8 not processed" in ended.out
    assert not (output / "run.json").exists()


def test_an_output_folder_that_becomes_read_only_stops_the_run_with_a_message(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "out" / "run.json"))

    photos = write_pictures(tmp_path / "photos", 2)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "write_reports", closed)
        ended = command("run", recipe, photos, "-o", tmp_path / "out")
    assert ended.code == 3
    assert "output folder can no longer be written: Permission denied: " in ended.err
    assert "Traceback" not in ended.err
    assert command("run", recipe, photos, "-o", tmp_path / "out").code == 0


def test_an_error_outside_the_output_folder_is_not_swallowed(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", str(tmp_path / "out" / "run.json"))

    monkeypatch.setattr(runner, "write_reports", broken)
    ended = command("run", recipe, write_pictures(tmp_path / "photos", 1), "-o", tmp_path / "out")
    assert ended.code == 3
    assert "This is a fault in diascope" in ended.err


@pytest.mark.parametrize(
    ("number", "name", "told"),
    [
        (errno.ENOSPC, "/out/ledger.sqlite", "the disk is full"),
        (errno.EROFS, "/out/run.json", "the output folder can no longer be written"),
        (errno.EACCES, "/elsewhere/table.csv", ""),
        (errno.EIO, "/out/run.json", ""),
        (errno.EACCES, None, ""),
    ],
)
def test_only_errors_of_the_output_folder_are_reported_as_such(
    number: int, name: str | None, told: str
) -> None:
    fault = describe_output_error(OSError(number, os.strerror(number), name), Path("/out"))
    assert fault.startswith(told)
    assert bool(fault) == bool(told)


def test_a_run_that_stops_before_it_knows_its_items_reports_none(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Ledger, "add_items", full)
    ended = command("run", recipe, write_pictures(tmp_path / "photos", 2), "-o", tmp_path / "out")
    assert ended.code == 3
    assert "the disk is full" in ended.err
    assert ended.out == ""


def test_a_refused_run_leaves_no_trace_where_there_was_none(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "results" / "out"
    before = sorted(photos.iterdir())
    assert command("run", recipe, tmp_path / "fotos", "-o", results).code == 2
    assert not results.parent.exists()
    assert command("run", recipe, photos, "-o", photos).code == 2
    assert sorted(photos.iterdir()) == before
    assert command("run", recipe, photos, "-o", results).code == 0
    assert command("run", recipe, tmp_path / "fotos", "-o", results).code == 2
    assert "nothing was left" in command("run", recipe, photos, "-o", results).out


def test_a_file_that_was_skipped_or_made_a_process_hang_is_not_digested(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_pictures(tmp_path / "photos", 1)
    (photos / "backup.bin").write_bytes(b"no picture")
    (photos / "hangs.png").write_bytes(b"it would hang here, too")
    carry, read = LocalExecutor.run, list[str]()

    def given_up(self: LocalExecutor, work: Any, chunks: Iterable[Sequence[Item]]) -> Iterator[Any]:
        for records in carry(self, work, chunks):
            hung = Failed(records[-1].item, "read", "", "nothing came: it was given up")
            yield [*records[:-1], hung]

    monkeypatch.setattr(LocalExecutor, "run", given_up)
    monkeypatch.setattr(runner, "content_digest", lambda item: read.append(item.id) or "")
    command("run", recipe, photos, "-o", tmp_path / "out")
    assert read == ["00.png"]
