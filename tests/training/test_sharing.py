"""Cores, shared by those who train and those who read pictures for them."""

import pytest
import torch

from diascope.training.sharing import computing_on, share


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
    assert share(available, processes, workers) == threads


def test_torch_has_its_threads_back_afterwards() -> None:
    before = torch.get_num_threads()

    with computing_on(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
