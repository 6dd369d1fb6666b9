"""Division of the CPU's cores between training and reading processes."""


def thread_count(available: int, processes: int, workers: int) -> int:
    """Return the number of torch threads in one of several processes that train together.

    It is the process's share of the cores, less one for each of its reading workers, but at least
    half the share. A thread that shares its core keeps all the others waiting, several times per
    layer.
    """
    own = max(1, available // processes)
    return max(own - workers, (own + 1) // 2)
