"""Ctrl-C: the first ends the work in order, one some seconds later ends the process at once."""

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer, get_ident
from typing import Any, NoReturn

import click

_PATIENCE_S = 3.0
_RERAISE_DELAY_S = 0.05
_RESUMABLE = ("run", "train", "evaluate")
"""Verbs that go on where they stopped."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let one interruption alone raise a KeyboardInterrupt, also while the work is wound up.

    Those of the next 3 seconds are ignored, a later one ends the process with 130, whatever it
    does. A process that was started with interruptions ignored goes on ignoring them.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _on_first_interrupt)
    hook = sys.unraisablehook
    sys.unraisablehook = _reraising_hook(hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        if signal.getsignal(signal.SIGINT) is _on_first_interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        else:  # threads may still hold the process up; once they are gone, it ends by itself
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def end_interrupted(verb: str, command: str = "") -> NoReturn:
    """Tell that a verb was interrupted and, where it can go on, how; end with 130.

    Args:
        command: what goes on; empty if it is not to be quoted.
    """
    told = "\nInterrupted."
    if verb in _RESUMABLE:
        told += " The same command goes on from here" + (f":\n  {command}" if command else ".")
    click.echo(told, err=True)
    sys.exit(130)


def _reraising_hook(hook: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return a hook that soon raises again an interruption which came while a process was forked or
    something was freed: there Python can raise nothing, and the work would go on."""

    def lost(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            hook(unraisable)
            return
        signal.signal(signal.SIGINT, _on_first_interrupt)
        timer = Timer(_RERAISE_DELAY_S, signal.pthread_kill, (get_ident(), signal.SIGINT))
        timer.daemon = True
        timer.start()

    return lost


def _on_first_interrupt(*_: Any) -> NoReturn:
    start = time.monotonic()

    def later(*_: Any) -> None:
        if time.monotonic() - start > _PATIENCE_S:
            try:
                click.echo("\nInterrupted, and ended at once.", err=True)
            finally:
                os._exit(130)

    signal.signal(signal.SIGINT, later)
    raise KeyboardInterrupt
