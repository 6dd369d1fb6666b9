"""``pipeline check``: check everything that a run needs, without running it."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import click

from diascope.cli.command_line import ANY_PATH, list_option
from diascope.cli.streams import stdout_to_stderr

_EXAMPLE = """\b
Examples:
  pipeline check derm.yaml
  pipeline check derm.yaml photos/ --json
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", type=ANY_PATH)
@click.argument("inputs", nargs=-1, type=ANY_PATH)
@list_option
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(
    recipe: str,
    inputs: tuple[str, ...],
    lists: tuple[Path, ...],
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check RECIPE, its plugins, weights and inputs before a run.

    Reads a sample of the inputs and loads no network. The exit code is 0, or 2 if the run cannot
    work.
    """
    from diascope.cli.strict_privacy import withhold_details
    from diascope.pipeline import compose
    from diascope.preflight import check as check_pipeline
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, overrides)
    strict = read.privacy == "strict"
    with stdout_to_stderr(), withhold_details("check") if strict else nullcontext():
        result = check_pipeline(compose(read), inputs, lists)
    if as_json:
        click.echo(json.dumps({"recipe": read.plain(), **vars(result)}, indent=1))
    else:
        click.echo(f"recipe {read.path}")
        for note in result.notes:
            click.echo(note)
        click.echo(f"inputs {result.found} found")
        click.echo(f"sample {result.read} of {result.sampled} read without error")
        for warning in result.warnings:
            click.echo(f"warning: {warning}")
        for problem in result.problems:
            click.echo(f"error: {problem}", err=True)
        click.echo("Not ready." if result.problems else "Ready to run.")
    sys.exit(2 if result.problems else 0)
