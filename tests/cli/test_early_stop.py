"""A command stops early with a message if its disk is full or its output folder is gone."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from diascope.cli.early_stop import stop_on_output_fault
from tests.cli.tables import write_labelled
from tests.runs import Ended
from tests.training.trainings import write_table, write_training

Command = Callable[..., Ended]

FULL = Path("/dev/full")
on_linux = pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")


@on_linux
def test_a_disk_that_fills_while_an_evaluation_is_written_is_reported(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "metrics.json.part").symlink_to(FULL)
    ended = command("evaluate", recipe, "--labels", write_labelled(tmp_path), "-o", out)
    assert (ended.code, "Traceback" in ended.err) == (3, False)
    assert "Stopped early: the disk is full" in ended.err
    assert f"To resume, run:\n  pipeline evaluate {recipe}" in ended.err


def test_a_disk_that_is_full_when_an_evaluation_reads_its_answers_is_reported(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    monkeypatch.setattr("diascope.evaluation.run_table.Ledger", opened)
    ended = command("evaluate", recipe, "--labels", write_labelled(tmp_path), "-o", tmp_path / "o")
    assert (ended.code, "Traceback" in ended.err) == (3, False)
    assert "Stopped early: the disk is full: database or disk is full.\nTo resume" in ended.err


@on_linux
@pytest.mark.filterwarnings("ignore")  # those of other libraries
@pytest.mark.parametrize("name", ["split.csv.part", "checkpoint.pt.part", "model.safetensors.part"])
def test_a_disk_that_fills_in_a_training_is_reported(
    command: Command, tmp_path: Path, name: str
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    table, out = write_table(tmp_path / "pictures", ["red", "blue"]), tmp_path / "out"
    out.mkdir()
    (out / name).symlink_to(FULL)
    ended = command("train", write_training(tmp_path / "t.yaml", table, epochs=1), "-o", out)
    assert (ended.code, "Traceback" in ended.err) == (3, False)
    assert "Stopped early: the disk is full" in ended.err


@on_linux
def test_a_full_disk_is_found_behind_an_error_of_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        pytest.raises(SystemExit),
        stop_on_output_fault(tmp_path),
        FULL.open("wb", buffering=0) as file,
    ):
        torch.save(torch.zeros(100_000), file)
    assert "the disk is full" in capsys.readouterr().err


@pytest.mark.parametrize("relative", [False, True])
def test_a_folder_that_is_gone_is_reported_and_other_errors_are_raised(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    relative: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Path("gone") if relative else tmp_path / "gone"
    with pytest.raises(SystemExit), stop_on_output_fault(out):
        (out / "metrics.json").write_text("{}")
    assert "the output folder can no longer be written: No such file" in capsys.readouterr().err
    for other in (RuntimeError("of ours"), OSError(errno.ENOENT, "gone", str(tmp_path / "a.png"))):
        with pytest.raises(type(other)), stop_on_output_fault(out):
            raise other
