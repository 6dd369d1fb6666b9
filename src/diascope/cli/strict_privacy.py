"""A command under ``privacy: strict``: its ends quote nothing, and some verbs do without it."""

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
    """End a verb at an interruption or a fault without its words and without the command.

    Errors of ours go on: they are about the command line or the recipe.
    """
    try:
        yield
    except (DiascopeError, click.ClickException):
        raise
    except (KeyboardInterrupt, click.Abort):
        end_interrupted(verb)
    except Exception as error:
        click.echo("".join(traceback.format_tb(error.__traceback__)), err=True, nl=False)
        click.echo(f"{type(error).__name__}: its words are withheld (privacy: strict)", err=True)
        click.echo("This is a fault in diascope; nothing done is lost.", err=True)
        sys.exit(3)


def refuse_strict(recipe: "Recipe", what: str) -> None:
    """Raise a RecipeError where privacy is strict, for what names or shows pictures."""
    if recipe.privacy == "strict":
        raise RecipeError(
            f"{what} names or shows pictures, which privacy: strict forbids",
            where=str(recipe.path),
            hint="--set privacy=none allows it.",
        )
