"""Keep the memory that a training frees, since each step needs it again."""

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``."""
_NEVER = -1


def keep_freed_memory() -> None:
    """Keep freed memory in this process, and in those that it forks, from now on.

    A step of training on the processor allocates and frees gigabytes. By default glibc returns
    every large block to the system at once, which has to map and clear its pages again in the next
    step. A process then stays as large as it once was. Has no effect with other C libraries.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)
