"""``pipeline quantise``: quantise a network to int8, calibrated on the user's pictures."""

from typing import TYPE_CHECKING

import click

from diascope.cli.command_line import ANY_PATH
from diascope.cli.quiet import without_warnings

if TYPE_CHECKING:
    from diascope.quantisation import Quantised

_EXAMPLE = """\b
Examples:
  pipeline quantise derm.yaml photos/
  pipeline quantise pathology.yaml slides/ --items 600
  pipeline run derm.yaml photos/ --set run.precision=int8
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", type=ANY_PATH)
@click.argument("photos", nargs=-1, required=True, type=ANY_PATH)
@click.option(
    "--items",
    type=click.IntRange(64),
    default=300,
    show_default=True,
    help="Pictures to read, drawn at random.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def quantise(
    recipe: str, photos: tuple[str, ...], items: int, overrides: tuple[str, ...], quiet: bool
) -> None:
    """Quantise RECIPE's network to int8 for this machine, calibrated on PHOTOS.

    Tries the whole backbone, then fewer and fewer of its last convolutions, until no score changes
    by more than run.tolerance and no decision flips, both on PHOTOS and on the generated reference
    pictures. No picture is stored.
    """
    from diascope.pipeline import compose
    from diascope.quantisation import OVERRIDES
    from diascope.quantisation import quantise as quantised
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, (*overrides, *OVERRIDES))
    read.refuse_strict("pipeline quantise")
    with without_warnings(quiet=quiet):
        found = quantised(compose(read), photos, items)
    for name, reason in found.left_out.items():
        click.echo(f"left out: {name}: {reason}", err=True)
    if not quiet:
        _print_summary(found, read.run.tolerance)


def _print_summary(found: "Quantised", tolerance: float) -> None:
    click.echo(f"quantised with {found.pictures} pictures")
    for each in found.attempts:
        click.echo(f"  the {_describe_part(each.layers)} in int8")
        click.echo(f"    on your pictures it {each.real}")
        click.echo(f"    on the drawn reference pictures it {each.drawn}")
    click.echo(
        f"{found.precision} is kept: measured now, {found.speed:.2f} times as fast as torch "
        f"float32 and {found.gain:.2f} times as fast as openvino float32"
    )
    if found.accepted:
        click.echo("`run: {precision: int8}` will use it.")
    else:
        allowed = f"allowed are a change of at most {tolerance:g} and no flip"
        click.echo(f"`run: {{precision: int8}}` will refuse it: {allowed}.")


def _describe_part(layers: int | None) -> str:
    if layers is None:
        return "whole backbone"
    return "last convolution" if layers == 1 else f"last {layers} convolutions"
