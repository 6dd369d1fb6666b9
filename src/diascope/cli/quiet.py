"""``--quiet``: suppress the warnings of libraries, in this process and those that it starts."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "PYTHONWARNINGS"


@contextmanager
def without_warnings(*, quiet: bool) -> Iterator[None]:
    """Suppress warnings and log messages if ``quiet``.

    In started processes an environment variable suppresses the warnings.
    """
    if not quiet:
        yield
        return
    logging.disable(logging.WARNING)
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "ignore"
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(logging.NOTSET)
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
