"""Keep the memory that a training frees, since each step needs it again."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``."""
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Keep freed memory in this process from now on, instead of returning it to the system.

    A step of training allocates and frees gigabytes. By default glibc returns every large block at
    once, and the system has to map and clear its pages again in the next step, which takes up to a
    quarter of the time on virtual machines. Has no effect with other C libraries.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)
