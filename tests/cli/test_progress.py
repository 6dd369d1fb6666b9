"""Progress as lines of text."""

import pytest

from diascope.cli import progress
from diascope.training.loop import Progress


@pytest.mark.parametrize("folds", [1, 2])
def test_the_minutes_left_are_those_of_a_training_s_own_steps(
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
