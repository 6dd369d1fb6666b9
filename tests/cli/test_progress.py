"""Progress as lines of text."""

import pytest

from diascope.cli import progress
from diascope.training.loop import Progress


def test_the_minutes_left_are_those_of_steps_not_of_what_came_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.training_progress(quiet=False) as show:
        now = 600.0  # pictures were inspected for ten minutes
        for step in range(1, 13):
            show(Progress(1, 2, step, 100, loss=1.0))
            now += 6.0  # 189 steps of 6 s are left after the eleventh

    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "epoch 1/2 step 11/100 loss 1.000, 19 min left"


def test_the_minutes_left_of_the_next_fold_are_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.training_progress(quiet=False) as show:
        for _fold in range(2):
            for step in range(1, 13):
                show(Progress(1, 2, step, 100, loss=1.0))
                now += 6.0

    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "epoch 1/2 step 11/100 loss 1.000, 19 min left"
