"""How many cores and threads this process may use."""

import math
import os
import sys
from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux states a container's limits: here in cgroup version 2, in ``cpu`` in version 1."""


def available_cores() -> int:
    """Return the number of cores that this process may use, by affinity and quota."""
    return max(1, min(_affinity_cores(), _quota_cores()))


def _affinity_cores() -> int:
    """Return the number of cores that this process may use, by affinity alone."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def _quota_cores() -> int:
    """Return a container's quota of cores, as set by ``docker run --cpus``."""
    with suppress(OSError, ValueError):  # no such file, or "max"
        quota, period = (_CGROUPS / "cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    with suppress(OSError, ValueError):
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        quota, period = ((_CGROUPS / "cpu" / name).read_text() for name in names)
        if int(quota) > 0:
            return math.ceil(int(quota) / int(period))
    return sys.maxsize


def network_threads() -> int:
    """Return the number of threads for a network: ``OMP_NUM_THREADS``, else one per core."""
    return omp_threads() or available_cores()


def omp_threads() -> int | None:
    """Return the first number in ``OMP_NUM_THREADS``, for the outermost level; None if not set."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def quota_threads() -> int | None:
    """Return the threads for a network if a quota is below the number of cores, else None.

    Libraries heed ``OMP_NUM_THREADS`` and the number of cores by themselves, but not a quota.
    """
    return (
        available_cores()
        if omp_threads() is None and available_cores() < _affinity_cores()
        else None
    )
