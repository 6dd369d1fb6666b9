"""Warnings that libraries raise, heard by their own thread and by no other, or told once.

``warnings.catch_warnings`` is for one thread: of two that read pictures side by side, one would
hear what the other's decoder warns of.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


class _Hearing(threading.local):
    """The lists into which a thread hears, the innermost last."""

    def __init__(self) -> None:
        self.lists: list[list[warnings.WarningMessage]] = []


_hearing = _Hearing()
_lock = threading.Lock()
_threads = 0
_kept: Any = None  # the state of ``warnings`` before the first thread heard


@contextmanager
def capture_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Yield a list that takes every warning of this thread, none of which is shown.

    Meanwhile the warnings of threads that hear nothing are shown by the filters set before.
    """
    told: list[warnings.WarningMessage] = []
    _begin()
    _hearing.lists.append(told)
    try:
        yield told
    finally:
        _hearing.lists.pop()
        _end()


def once_formatter() -> Callable[..., str]:
    """Return what makes a line of a warning for ``warnings.formatwarning``, and nothing of the same
    words again.

    Python forgets what it has shown whenever a thread has heard: what warns of every picture would
    be told of each.
    """
    told = set[str]()

    def line(message: object, *_: object, **__: object) -> str:
        text = f"warning: {message}\n"
        if text in told:
            return ""
        told.add(text)
        return text

    return line


def _begin() -> None:
    global _threads, _kept
    with _lock:
        _threads += 1
        if _threads > 1:
            return
        _kept = warnings.catch_warnings()
        before, show = warnings.filters, warnings.showwarning
        _kept.__enter__()
        warnings.simplefilter("always")
        warnings.showwarning = partial(_heard, before, show)


def _end() -> None:
    global _threads
    with _lock:
        _threads -= 1
        if not _threads:
            _kept.__exit__(None, None, None)


def _heard(filters: Any, show: Any, message: Any, category: Any, *place: Any) -> None:
    """Take the place of ``warnings.showwarning``, which was ``show`` before."""
    if _hearing.lists:
        _hearing.lists[-1].append(warnings.WarningMessage(message, category, *place))
    elif _wanted(filters, message, category, *place[:2]):
        show(message, category, *place)


def _wanted(filters: Any, message: Any, category: type[Warning], file: str, line: int) -> bool:
    """Say whether a warning is to be shown, by the first filter for its kind, words and place."""
    module = _module(file)
    for action, words, kind, place, number in filters:
        if not issubclass(category, kind) or number not in (0, line):
            continue
        if all(
            found is None or found.match(text)
            for found, text in ((words, str(message)), (place, module))
        ):
            return bool(action != "ignore")
    return True


def _module(file: str) -> str:
    """Return the name of a file's module; of one that is not known its path, as Python does."""
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == file:
            return module.__name__
    return file.removesuffix(".py")
