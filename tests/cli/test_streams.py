"""Standard streams that are closed, full or unread do not change the work."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from diascope.cli import streams
from tests.runs import Ended, rows, write_pictures

Command = Callable[..., Ended]

LOST = ("2</dev/null", "2>&-", "1</dev/null", ">&-", "1</dev/null 2<&1", ">&- 2>&-")
"""What a shell does to the streams; ``2</dev/null`` takes nothing, as on a full disk."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos", 3)


def shell(arguments: Sequence[object], rest: str) -> subprocess.CompletedProcess[str]:
    """Call ``pipeline`` as a shell does, with its pipes and redirections."""
    words = [sys.executable, "-m", "diascope", *map(str, arguments)]
    script = f'set -o pipefail; "$@" {rest}'
    return subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True)


@pytest.mark.parametrize("lost", LOST)
def test_a_run_whose_output_is_lost_ends_as_usual(
    recipe: Path, photos: Path, tmp_path: Path, lost: str
) -> None:
    ended = shell(["run", recipe, photos, "-o", tmp_path / "out"], lost)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 3


def test_a_run_whose_reader_is_gone_ends_with_its_usual_code(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "00-bad.jpg").write_text("no picture")
    arguments = ["run", recipe, photos, "-o", tmp_path / "out", "--fail-fast", "--profile"]
    ended = shell([*arguments, "--set", "run.batch=1"], "2>&1 | true")
    assert ended.returncode == 3
    assert ended.stderr == ""
    assert (tmp_path / "out" / "run.json").exists()


def test_a_file_name_that_is_not_utf8_is_printed_escaped(
    command: Command, tiny_weights: Path, tmp_path: Path
) -> None:
    page = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.html"))
    ended = command("models", "show", tiny_weights, "--html", page)
    assert (ended.code, ended.out) == (0, f"Card: {tmp_path}/\\udcff.html\n")
    assert page.exists()


def test_a_refusal_that_cannot_be_printed_still_ends_with_2(tmp_path: Path) -> None:
    assert shell(["run", tmp_path / "nowhere.yaml"], "2</dev/null").returncode == 2


def test_a_listing_that_cannot_be_written_does_not_end_with_0() -> None:
    ended = shell(["plugins", "list", "--kind", "executor"], "1</dev/null")
    assert ended.returncode == 3
    assert "Bad file descriptor" in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["plugins", "list", "--kind", "executor"], ["--version"]])
def test_a_listing_written_to_a_full_disk_reports_it(arguments: list[str]) -> None:
    ended = shell(arguments, ">/dev/full")
    told = "pipeline: the disk is full: [Errno 28] No space left on device\n"
    assert (ended.returncode, ended.stderr) == (3, told)


def test_a_file_opened_later_does_not_get_the_descriptor_of_a_closed_stream() -> None:
    code = "import os\nfrom diascope.cli import streams\nstreams.open_closed_streams()\n"
    code += "assert os.open(os.devnull, os.O_RDONLY) > 2\nassert os.get_inheritable(2)"
    closed = f'{sys.executable} -c "$1" 2>&-'
    assert subprocess.run(["bash", "-c", closed, "bash", code]).returncode == 0


def test_a_console_of_windows_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.StringIO()
    monkeypatch.setattr(console, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "__stdout__", console)
    monkeypatch.setattr(streams, "os", SimpleNamespace(name="nt"))
    streams.ignore_write_errors("stdout")
    assert sys.stdout is console
