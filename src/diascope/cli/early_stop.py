"""Commands that stop early: print the reason and how to resume; the exit code is usually 3."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from diascope.cli.command_line import resume_hint, typed_command
from diascope.output_errors import describe_output_error


@contextmanager
def stop_on_output_fault(folder: Path) -> Iterator[None]:
    """Stop the command early if its output folder is full, no longer writable or gone."""
    output = folder.resolve()
    try:
        yield
    except (OSError, sqlite3.Error, RuntimeError) as error:
        # torch raises a RuntimeError when a file cannot be written, with the OSError as its context
        cause = error.__context__ if isinstance(error, RuntimeError) else error
        if not isinstance(cause, OSError | sqlite3.Error):
            raise
        if not (fault := describe_output_error(cause, output)):
            raise
        stop_early(fault, 3)


def stop_early(reason: str, code: int) -> NoReturn:
    """Print why the command stops and how to resume it; exit with ``code``."""
    report_stop(reason, typed_command())
    sys.exit(code)


def report_stop(reason: str, command: str) -> None:
    """Print why a command stops and how to resume it.

    Args:
        command: the command to resume with; empty if it must not be quoted.
    """
    click.echo(f"Stopped early: {reason.rstrip('.')}.", err=True)
    click.echo(resume_hint(command), err=True)
