"""Commands under ``privacy: strict``: errors quote no data."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from diascope.cli.interruption import end_interrupted
from diascope.errors import DiascopeError


@contextmanager
def withhold_details(verb: str) -> Iterator[None]:
    """End a verb after an interruption or an unexpected error, quoting neither message nor command.

    A ``DiascopeError`` is re-raised: it is about the command line or the recipe.
    """
    try:
        yield
    except (DiascopeError, click.ClickException):
        raise
    except (KeyboardInterrupt, click.Abort):
        end_interrupted(verb)
    except Exception as error:
        click.echo("".join(traceback.format_tb(error.__traceback__)), err=True, nl=False)
        click.echo(f"{type(error).__name__}: its message is withheld (privacy: strict)", err=True)
        click.echo("This is a fault in diascope. Finished work is kept.", err=True)
        sys.exit(3)
