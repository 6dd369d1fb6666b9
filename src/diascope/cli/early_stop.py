"""A command that stops before its end, tells why, and how it goes on: exit code 3."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from diascope.cli.command_line import typed_command
from diascope.output_errors import describe_output_error


@contextmanager
def stop_on_output_fault(folder: Path) -> Iterator[None]:
    """Stop the command early where its output folder is full, closed or gone meanwhile."""
    output = folder.resolve()
    try:
        yield
    except (OSError, sqlite3.Error, RuntimeError) as error:
        # torch hides what befell its file behind words
        cause = error.__context__ if isinstance(error, RuntimeError) else error
        if not isinstance(cause, OSError | sqlite3.Error):
            raise
        if not (fault := describe_output_error(cause, output)):
            raise
        stop_early(fault, 3)


def stop_early(reason: str, code: int) -> NoReturn:
    """Tell why the command stops and what goes on with it; end with that code."""
    report_stop(reason, typed_command())
    sys.exit(code)


def report_stop(reason: str, command: str) -> None:
    """Tell why a command stops and what goes on with it; the same, if it is not to be quoted."""
    click.echo(f"Stopped early: {reason.rstrip('.')}.", err=True)
    again = f":\n  {command}" if command else " the same command."
    click.echo(f"Go on with{again}", err=True)
