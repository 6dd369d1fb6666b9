"""The processor's cores, shared by a training and the processes that read its pictures."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from diascope.cores import threads


@contextmanager
def beside(workers: int, processes: int) -> Iterator[None]:
    """Let torch compute on this process's share of the cores, less what its workers need.

    A thread that has to share its core keeps all the others waiting, several times a layer.

    Args:
        workers: that read pictures for this process.
        processes: that train together.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, threads() // processes - workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)
