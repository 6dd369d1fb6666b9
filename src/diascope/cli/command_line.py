"""Options that several subcommands share, and the command line as it was typed."""

import shlex
import sys
from pathlib import Path

import click

from diascope.display_text import as_utf8

ANY_PATH = click.Path(readable=False)
"""A path, glob, URI or plugin name, completed by shells; whatever opens it reports its errors."""

list_option = click.option(
    "--list",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A text file with one path per line, or a CSV with a column `path`.",
)


def reject_empty(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Reject an empty value, which would be taken for a missing option."""
    if value == "":
        raise click.BadParameter("it is empty. Was a variable of the shell not set?")
    return value


def program_name() -> str:
    """Return ``diascope`` if it was called by that name: ``pipeline`` may be another program."""
    return "diascope" if Path(sys.argv[0]).stem == "diascope" else "pipeline"


def typed_command() -> str:
    """Return the command line, quoted so that it can be pasted into a shell."""
    return as_utf8(shlex.join([program_name(), *sys.argv[1:]]))


def resume_hint(command: str) -> str:
    """Return how to resume: with ``command``, or with the same command if it is empty."""
    return f"To resume, run:\n  {command}" if command else "To resume, run the same command."
