"""Ctrl-C: the first stops the work cleanly, another after some seconds kills the process."""

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

from diascope.cli.command_line import resume_hint

_PATIENCE_S = 3.0
_RERAISE_DELAY_S = 0.05
_RESUMABLE = ("run", "train", "evaluate")
"""Verbs that resume where they stopped."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt only for the first SIGINT, so that cleaning up is not interrupted.

    Further ones are ignored for 3 seconds; a later one ends the process at once, with exit code
    130. A process that was started with SIGINT ignored continues to ignore it.
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
        else:  # Ctrl-C must work while threads end; then the process ends by itself
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def end_interrupted(verb: str, command: str = "") -> NoReturn:
    """Print that a verb was interrupted and, if it can be resumed, how; exit with 130.

    Args:
        command: the command to resume with; empty if it must not be quoted.
    """
    hint = f" {resume_hint(command)}" if verb in _RESUMABLE else ""
    click.echo(f"\nInterrupted.{hint}", err=True)
    sys.exit(130)


def _reraising_hook(hook: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return an unraisable hook that sends SIGINT again shortly after it was lost.

    Python cannot raise KeyboardInterrupt during a fork or in a finaliser; without this, the work
    would continue.
    """

    def on_unraisable(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            hook(unraisable)
            return
        signal.signal(signal.SIGINT, _on_first_interrupt)
        if hasattr(signal, "pthread_kill"):
            timer = Timer(_RERAISE_DELAY_S, signal.pthread_kill, (get_ident(), signal.SIGINT))
        else:  # as on Windows
            timer = Timer(_RERAISE_DELAY_S, signal.raise_signal, (signal.SIGINT,))
        timer.daemon = True
        timer.start()

    return on_unraisable


def _on_first_interrupt(*_: Any) -> NoReturn:
    start = time.monotonic()

    def on_later_interrupt(*_: Any) -> None:
        if time.monotonic() - start > _PATIENCE_S:
            try:
                click.echo("\nInterrupted again: stopped at once.", err=True)
            finally:
                os._exit(130)

    signal.signal(signal.SIGINT, on_later_interrupt)
    raise KeyboardInterrupt
