"""Ctrl-C, once and repeatedly: the exit code is 130 and the ledger stays valid."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.cli.interruption import end_interrupted
from tests.runs import PATIENCE_S, Ended, done_in, rows, start, write_pictures, write_recipe

Command = Callable[..., Ended]


def pressed_again(process: subprocess.Popen[str], results: Path, every_s: float) -> Ended:
    """Interrupt a run that is at work, again and again until it ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not done_in(results):
        assert process.poll() is None, f"it ended before its time: {process.communicate()}"
        assert time.monotonic() < deadline, "it shows no sign of life"
        time.sleep(0.01)
    while process.poll() is None:
        assert time.monotonic() < deadline, "it does not end"
        process.send_signal(signal.SIGINT)
        time.sleep(every_s)
    out, err = process.communicate()
    return Ended(process.returncode, out, err)


@pytest.mark.parametrize("workers", [0, 2])
def test_repeated_interruptions_end_like_a_single_one(
    command: Command, odd_plugins: Path, tmp_path: Path, tiny_weights: Path, workers: int
) -> None:
    results, photos = tmp_path / "results", write_pictures(tmp_path / "many", 40)
    recipe = write_recipe(tmp_path / "slow.yaml", tiny_weights, read="slow")
    arguments = ["run", recipe, photos, "-o", results, "--workers", workers]
    process = start(odd_plugins, *arguments, ODD_SECONDS="0.1")
    ended = pressed_again(process, results, every_s=0.05)
    assert (ended.code, "Traceback" in ended.err) == (130, False)
    assert "Interrupted" in ended.err
    assert command(*arguments).code == 0
    assert len(rows(results / "predictions.csv")) == 40


def test_a_later_interruption_ends_a_process_that_does_not_stop(
    command: Command, odd_plugins: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    results, photos = tmp_path / "results", write_pictures(tmp_path / "many", 8)
    (photos / "07.png").rename(photos / "stuck.png")
    recipe = write_recipe(tmp_path / "stuck.yaml", tiny_weights, read="stuck")
    arguments = ["run", recipe, photos, "-o", results, "--workers", 1]
    process = start(odd_plugins, *arguments, "--executor", "{local: {kind: threads}}")
    ended = pressed_again(process, results, every_s=0.5)
    assert (ended.code, "stopped at once" in ended.err) == (130, True)
    (photos / "stuck.png").unlink()
    assert command(*arguments).code == 0
    assert len(rows(results / "predictions.csv")) == 7


@pytest.mark.parametrize("lacking", ["nothing", "pthread_kill"])
def test_an_interruption_is_not_lost_where_python_cannot_raise(lacking: str) -> None:
    script = """
import signal, sys, time
from diascope.cli.interruption import interruptible

class Freed:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
with interruptible():
    vars(signal).pop(sys.argv[1], None)
    Freed()
    for _ in range(1 if sys.argv[1] == "nothing" else 200):  # a long sleep needs pthread_kill
        time.sleep(20 if sys.argv[1] == "nothing" else 0.1)
    print("went on")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, lacking], capture_output=True, text=True, check=False
    )
    assert "went on" not in ended.stdout
    assert "KeyboardInterrupt" in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize("verb", ["run", "train", "evaluate", "explain", "quantise", "check"])
def test_only_resumable_verbs_say_how_to_resume(
    capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        end_interrupted(verb, f"pipeline {verb} r.yaml")
    goes_on = f"To resume, run:\n  pipeline {verb}" in capsys.readouterr().err
    assert (ended.value.code, goes_on) == (130, verb in ("run", "train", "evaluate"))
