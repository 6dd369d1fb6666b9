"""``--quiet``: suppress the warnings of libraries, in this process and those that it starts."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "PYTHONWARNINGS"


@contextmanager
def without_warnings(*, quiet: bool) -> Iterator[None]:
    """Suppress warnings if ``quiet``, in started processes by an environment variable."""
    if not quiet:
        yield
        return
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "ignore"
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
