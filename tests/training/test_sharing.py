"""Cores, shared by a training and the processes that read its pictures."""

import pytest
import torch

from diascope.training import sharing


@pytest.mark.parametrize(
    ("cores", "workers", "processes", "left"),
    [(16, 1, 1, 15), (16, 1, 2, 7), (2, 1, 1, 1), (2, 0, 1, 2), (2, 1, 2, 1), (1, 4, 1, 1)],
)
def test_torch_computes_on_the_cores_that_are_left_and_only_meanwhile(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, processes: int, left: int
) -> None:
    monkeypatch.setattr(sharing, "threads", lambda: cores)
    before = torch.get_num_threads()

    with sharing.beside(workers, processes):
        assert torch.get_num_threads() == left
    assert torch.get_num_threads() == before
