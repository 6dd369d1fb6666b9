"""Writing into the output folder."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from diascope import output
from diascope.errors import OutputError
from diascope.output import lock_folder, write_atomically


def test_an_address_is_not_an_output_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where = r"s3://\*{3}@bucket/run: .* not to an address"
    with pytest.raises(OutputError, match=where), lock_folder(Path("s3://me:secret@bucket/run")):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("like_windows", [False, True])
def test_a_refused_run_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, like_windows: bool
) -> None:
    if like_windows:
        monkeypatch.setattr(output, "FileLock", LockOfWindows)
        monkeypatch.setattr(Path, "unlink", unlink_closed_files)

    with pytest.raises(OutputError, match="refused"):
        refused_run(tmp_path / "new" / "results")

    assert not list(tmp_path.iterdir())


def refused_run(results: Path) -> None:
    with lock_folder(results, has_results=lambda: False) as folder:
        (folder / output.LEDGER_FILE).touch()
        raise OutputError("refused")


class LockOfWindows(FileLock):
    """Removes its file when it is released, as filelock does on Windows."""

    def release(self, force: bool = False) -> None:
        super().release(force)
        remove(Path(self.lock_file), missing_ok=True)


remove = Path.unlink


def unlink_closed_files(path: Path, missing_ok: bool = False) -> None:
    """Refuse to remove the lock file, which is open, as Windows does."""
    if path.name == ".lock":
        raise PermissionError(path)
    remove(path, missing_ok)


def test_links_and_pipes_are_written_into_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("old")
    link = tmp_path / "link.html"
    link.symlink_to("real.html")
    write_atomically(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"

    os.mkfifo(pipe := tmp_path / "pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, "told")
    assert os.read(reader, 9) == b"told"
    os.close(reader)
    assert pipe.is_fifo()
