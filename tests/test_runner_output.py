"""Runs whose ledger is damaged, or whose output folder goes away or is closed to them."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.runs import Ended, write_pictures

Command = Callable[..., Ended]


@pytest.mark.parametrize(("start", "end"), [(0.02, 0.06), (0.3, 0.7)])
def test_a_ledger_with_other_bytes_in_its_middle_is_called_damaged(
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
    assert f"{ledger}: the ledger is damaged: database disk image is malformed" in ended.err
    assert "choose another --output" in ended.err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update facts set value = '{' where name = 'engine'", "'engine' is no JSON"),
        ("update facts set value = '{' where name = 'seen'", "'seen' is no JSON"),
        ("update facts set value = '{' where name = 'reports'", "'reports' is no JSON"),
        ("update items set stamp = cast(x'ff' as text)", "not decode to UTF-8"),
    ],
)
def test_a_ledger_that_cannot_be_decoded_is_called_damaged(
    command: Command, recipe: Path, tmp_path: Path, change: str, reason: str
) -> None:
    photos = write_pictures(tmp_path / "photos", 2)
    command("run", recipe, photos, "-o", tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / "ledger.sqlite")) as base, base:
        base.execute(change)
    write_pictures(photos, 3)
    ended = command("run", recipe, photos, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "the ledger is damaged" in ended.err
    assert reason in ended.err
