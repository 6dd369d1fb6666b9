"""Capture the warnings of libraries per thread, or show each of them once.

``warnings.catch_warnings`` affects the whole process: of two threads that read pictures in
parallel, one would capture the warnings of the other's decoder.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


class _Captures(threading.local):
    """The lists that capture a thread's warnings, the innermost last."""

    def __init__(self) -> None:
        self.lists: list[list[warnings.WarningMessage]] = []


_captures = _Captures()
_lock = threading.Lock()
_active = 0
_saved: Any = None  # the state of ``warnings`` before the first capture


@contextmanager
def capture_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Yield a list that collects every warning of this thread instead of showing it.

    Warnings of threads that capture nothing are still shown according to the original filters.
    """
    captured: list[warnings.WarningMessage] = []
    _begin()
    _captures.lists.append(captured)
    try:
        yield captured
    finally:
        _captures.lists.pop()
        _end()


def once_formatter() -> Callable[..., str]:
    """Return a replacement for ``warnings.formatwarning`` that formats each message only once.

    Python forgets which warnings it has shown whenever a thread captures some, so a warning about
    every picture would be shown for each.
    """
    shown = set[str]()

    def format_once(message: object, *_: object, **__: object) -> str:
        text = f"warning: {message}\n"
        if text in shown:
            return ""
        shown.add(text)
        return text

    return format_once


def _begin() -> None:
    global _active, _saved
    with _lock:
        _active += 1
        if _active > 1:
            return
        _saved = warnings.catch_warnings()
        filters, show = warnings.filters, warnings.showwarning
        _saved.__enter__()
        warnings.simplefilter("always")
        warnings.showwarning = partial(_capture_or_show, filters, show)


def _end() -> None:
    global _active
    with _lock:
        _active -= 1
        if not _active:
            _saved.__exit__(None, None, None)


def _capture_or_show(filters: Any, show: Any, message: Any, category: Any, *place: Any) -> None:
    """Replace ``warnings.showwarning``, whose original is ``show``."""
    if _captures.lists:
        _captures.lists[-1].append(warnings.WarningMessage(message, category, *place))
    elif _is_shown(filters, message, category, *place[:2]):
        show(message, category, *place)


def _is_shown(filters: Any, message: Any, category: type[Warning], file: str, line: int) -> bool:
    """Return whether the first filter that matches a warning shows it."""
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
    """Return the name of a file's module; if it is unknown, the path, as Python does."""
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == file:
            return module.__name__
    return file.removesuffix(".py")
