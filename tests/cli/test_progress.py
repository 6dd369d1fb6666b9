"""Progress as lines of text."""

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from diascope.cli import progress
from diascope.training.loop import Progress
from tests.cli.tables import write_labelled
from tests.runs import Ended


@pytest.mark.parametrize("folds", [1, 2])
def test_the_minutes_left_are_estimated_from_training_steps_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folds: int
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.training_progress(quiet=False) as show:
        for _ in range(folds):
            now += 600.0  # pictures are inspected, or the last fold is evaluated
            for step in range(1, 13):
                show(Progress(1, 2, step, 100, loss=1.0))
                now += 6.0  # 189 steps of 6 s are left after the eleventh

    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "epoch 1/2 step 11/100 loss 1.000, 19 min left"


def test_the_rate_of_a_run_counts_its_own_items_and_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    counts = dict.fromkeys(("ok", "failed", "skipped"), 0) | {"pending": 60}
    with progress.run_progress(quiet=False) as show:
        now += 600.0  # pictures are listed, the network is loaded
        show(counts, 0)
        now += 20.0
        show(counts | {"ok": 40, "pending": 20}, 40)

    assert capsys.readouterr().err.splitlines() == [
        "0 of 60 (in all 0 ok, 0 failed, 0 skipped)",
        "40 of 60, 2.0 items/s, 10 s left (in all 40 ok, 0 failed, 0 skipped)",
    ]


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (progress.run_progress, "loading"),
        (progress.training_progress, "reading the pictures"),
    ],
)
def test_a_terminal_shows_the_phase_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shown: Any, told: str
) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    with shown(quiet=False):
        pass

    assert told in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "train", "evaluate", "explain", "quantise"])
def test_quiet_suppresses_warnings_of_libraries_also_in_worker_processes(
    command: Callable[..., Ended],
    recipe: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
    verb: str,
) -> None:
    inherited: list[str | None] = []

    def library(*_: object) -> None:
        warnings.warn("of a font", stacklevel=1)
        inherited.append(os.environ.get("PYTHONWARNINGS"))

    monkeypatch.delenv("PYTHONWARNINGS", raising=False)
    for name in ("runner.run", "training.train.train", "evaluation.plan.read_labels"):
        monkeypatch.setattr(f"diascope.{name}", library)
    for name in ("explain_picture.explain_item", "quantisation.quantise"):
        monkeypatch.setattr(f"diascope.{name}", library)
    options = ["photos"] if verb == "quantise" else ["-o", "out"]
    options += ["--labels", "table.csv"] if verb == "evaluate" else []
    for quiet, heard in ((["-q"], 0), ([], 1)):
        command(verb, recipe, *options, *quiet)
        assert len(recwarn) == heard
    assert inherited == ["ignore", None]


def test_lines_tell_how_far_the_measurement_of_evidence_is(
    command: Callable[..., Ended],
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_PLAIN_SECONDS", 0.0)
    call = ["evaluate", recipe, "--labels", write_labelled(tmp_path), "--evidence", "-o"]
    told = re.findall(r"evidence of (\d+) of 12 pictures", command(*call, tmp_path / "out").err)
    assert told == [str(done) for done in range(1, 12)]
    assert command(*call, tmp_path / "quiet", "-q").err == ""


def test_a_terminal_shows_loss_metrics_and_remaining_time_of_a_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    with progress.training_progress(quiet=False) as show:
        show(Progress(1, 2, 4, 5, loss=0.5))
        show(Progress(1, 2, 5, 5, loss=0.4, figures={"loss": 0.4, "auc_macro": 0.91}))

    told = click.unstyle(capsys.readouterr().err)
    assert "epoch 1/2  loss 0.400  validation auc macro 0.9100" in told
    assert re.search(r"epoch 1/2  loss 0.400 \S+  5/10 \d:\d\d:\d\d", told)
