"""``pipeline train``: train a classifier from a table of labelled pictures."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diascope.cli.command_line import ANY_PATH, reject_empty, typed_command
from diascope.cli.quiet import without_warnings

if TYPE_CHECKING:
    from diascope.card import ModelCard
    from diascope.recipe import Recipe
    from diascope.training.train import Watch

_SHOWN_ACROSS = 2
_EXAMPLE = """\b
Examples:
  pipeline train my.yaml
  pipeline train derm-train.yaml --set train.table=ham10000/labels.csv --output runs/derm
  pipeline run my.yaml photos/ --set model.classifier.weights=runs/mine
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", type=ANY_PATH)
@click.option(
    "--output",
    "-o",
    type=ANY_PATH,
    callback=reject_empty,
    help="Folder for weights and card; by default the recipe's output folder.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def train(recipe: str, output: str | None, overrides: tuple[str, ...], quiet: bool) -> None:
    """Train a classifier from a table of labelled pictures.

    RECIPE needs a `train:` section. The output folder can be used as `weights:` of a recipe. If a
    training was stopped or killed, the same command resumes it.
    """
    from diascope.cli.early_stop import stop_on_output_fault
    from diascope.cli.progress import training_progress
    from diascope.errors import UsageError
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, overrides)
    read.refuse_strict("pipeline train")
    folder = output or read.output
    if folder is None:
        raise UsageError("the recipe names no output folder", hint="Add --output runs/NAME.")
    quiet = quiet or os.environ.get("LOCAL_RANK", "0") != "0"  # only the first process prints
    hushed = without_warnings(quiet=quiet)
    with hushed, stop_on_output_fault(Path(folder)), training_progress(quiet=quiet) as watch:
        card = _train(read, Path(folder), watch, typed_command(), quiet=quiet)
    if card is not None and not quiet:
        _print_summary(card, Path(folder))


def _train(
    recipe: "Recipe", folder: Path, watch: "Watch", command: str, *, quiet: bool
) -> "ModelCard | None":
    from diascope.extras import refuse_missing

    refuse_missing("training needs", "train")
    from diascope.training.train import train as run_training

    def tell(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    return run_training(recipe, folder, watch, tell, command)


def _print_summary(card: "ModelCard", folder: Path) -> None:
    from diascope.pages.measures import measure_lines, overall_measures

    click.echo(f"Weights and card: {folder}")
    click.echo(f"Measured on {card.metrics['measured_on']}:")
    for line in measure_lines(overall_measures(card.metrics, card.labels)):
        click.echo(f"  {line}")
    if across := card.cross_validation:
        click.echo(f"Cross-validation, {across['folds']} folds, on {across['measured_on']}:")
        for line in measure_lines(overall_measures(across, card.labels)[:_SHOWN_ACROSS]):
            click.echo(f"  {line}")
        click.echo(f"All its figures: {folder / 'cross-validation' / 'evaluation.html'}")
    click.echo(f"By label, curves and mistakes: {folder / 'evaluation.html'}, training.html")
