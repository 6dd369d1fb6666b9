"""How many cores and threads this process may use."""

import os


def cores() -> int:
    """Return the processor's cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Return the threads for a network: as ``OMP_NUM_THREADS`` says, else one a core."""
    return wanted_threads() or cores()


def wanted_threads() -> int | None:
    """Return the threads of the outermost level in ``OMP_NUM_THREADS``, None if it names none."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None
