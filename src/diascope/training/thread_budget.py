"""The processor's cores, shared by those who train and those who read pictures for them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def thread_count(available: int, processes: int, workers: int) -> int:
    """Return how many threads torch takes in one of several processes that train together.

    They are the process's share of the cores, less one for each worker that reads pictures for it,
    but at least half of them: a thread that has to share its core keeps all the others waiting,
    several times a layer.
    """
    own = max(1, available // processes)
    return max(own - workers, (own + 1) // 2)


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let torch compute on that many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
