"""Division of the cores between training and reading processes."""

from pathlib import Path

import pytest
import torch

from diascope import torch_process
from diascope.errors import RecipeError
from diascope.torch_process import torch_threads
from diascope.training.train import thread_count
from tests.training.trainings import train


@pytest.mark.parametrize(
    ("available", "processes", "workers", "threads"),
    [
        (16, 1, 1, 15),
        (16, 2, 1, 7),
        (16, 1, 16, 8),
        (2, 1, 0, 2),
        (2, 1, 1, 1),
        (2, 2, 1, 1),
        (1, 4, 4, 1),
    ],
)
def test_torch_takes_what_readers_leave_but_at_least_half(
    available: int, processes: int, workers: int, threads: int
) -> None:
    assert thread_count(available, processes, workers) == threads


def test_torch_has_its_threads_back_afterwards() -> None:
    before = torch.get_num_threads()

    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_a_training_takes_no_more_threads_than_a_quota_is_worth(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    monkeypatch.setattr(torch_process, "quota_threads", lambda: 2)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with pytest.raises(RecipeError, match="has no `train:` section"):
            train(recipe, tmp_path / "mine")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
