"""Commands under ``privacy: strict``: errors quote no data, and some verbs are refused."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from diascope.cli.interruption import end_interrupted
from diascope.errors import DiascopeError, RecipeError

if TYPE_CHECKING:
    from diascope.recipe import Recipe


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


def refuse_strict(recipe: "Recipe", command: str) -> None:
    """Raise a RecipeError if privacy is strict, for a command that names or shows pictures."""
    if recipe.privacy == "strict":
        raise RecipeError(
            f"{command} names or shows pictures, which privacy: strict forbids",
            where=str(recipe.path),
            hint="--set privacy=none allows it.",
        )
