"""A command with ``--quiet``: no warnings of libraries, in whatever process they are raised."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "PYTHONWARNINGS"


@contextmanager
def without_warnings(*, quiet: bool) -> Iterator[None]:
    """Show no warnings meanwhile if ``quiet``; processes that are started find it in their
    environment."""
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
