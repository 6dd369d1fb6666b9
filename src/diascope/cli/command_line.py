"""The command as it was typed, and words in it that a shell completes."""

import shlex
import sys
from pathlib import Path

import click

from diascope.display_text import as_utf8

ANY_PATH = click.Path(readable=False)
"""A file, a folder, or what else may stand there; whether it is sound is told by who opens it."""

list_option = click.option(
    "--list",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A text file with a path a line, or a CSV with a column `path`.",
)


def reject_empty(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty word, which would be taken for none."""
    if value == "":
        raise click.BadParameter("it is empty. Was a variable of the shell not set?")
    return value


def program_name() -> str:
    """Return the command's name: who called it ``diascope`` may have another ``pipeline``."""
    return "diascope" if Path(sys.argv[0]).stem == "diascope" else "pipeline"


def typed_command() -> str:
    """Return the command, such as ``pipeline run derm.yaml photos/``, to be typed again."""
    return as_utf8(shlex.join([program_name(), *sys.argv[1:]]))
