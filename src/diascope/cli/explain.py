"""``pipeline explain``: show on one page what the network saw in one picture."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diascope.cli.command_line import ANY_PATH, reject_empty, typed_command
from diascope.cli.quiet import without_warnings

if TYPE_CHECKING:
    from diascope.explain_picture import PictureExplanation

_METHODS = ("exact", "hirescam", "grad-cam", "grad-cam++", "integrated-gradients")
_EXAMPLE = """\b
Examples:
  pipeline explain derm.yaml --output results/explained
  pipeline explain derm.yaml photo.jpg --output results/explained
  pipeline explain derm.yaml photo.jpg --label mel --output results/explained
  pipeline explain derm.yaml photo.jpg --wants label:mel --wants depth3:17 -o results/explained
  pipeline explain --demo --output results/blackboard
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", required=False, type=ANY_PATH)
@click.argument("image", required=False, type=ANY_PATH)
@click.option(
    "--output", "-o", required=True, type=ANY_PATH, callback=reject_empty, help="A folder."
)
@click.option("--label", help="The label to explain; by default the predicted one.")
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default="exact",
    show_default=True,
    help="How the evidence maps are made.",
)
@click.option("--no-occlusion", is_flag=True, help="Leave out the occlusion map, the slowest part.")
@click.option(
    "--wants",
    multiple=True,
    metavar="PART",
    help="Visualise what activates `label:NAME`, `filter:N` or `depth3:N`; may be repeated.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    help="A CSV with a column path: find the pictures in it that activate these parts most.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=300,
    show_default=True,
    help="Pictures of the table to search, drawn at random.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    help="Seed of the visualisations and of the random pictures.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option(
    "--demo",
    is_flag=True,
    help="Instead, write blackboard.html: a convolution worked out by hand. Needs no recipe.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def explain(
    recipe: str | None, image: str | None, output: str, demo: bool, quiet: bool, **options: Any
) -> None:
    """Show how RECIPE's model comes to its answer for IMAGE, from the pixels on.

    Without IMAGE, the first picture of the recipe's own input is explained.

    Writes explain.html: each preprocessing step, the first filters, feature maps of every depth,
    evidence maps and their sums, and the arithmetic at single positions.
    """
    from diascope.display_text import mask_credentials
    from diascope.errors import ReadError, UsageError

    if demo:
        from diascope.explain.blackboard import compute_blackboard
        from diascope.explain.blackboard_page import blackboard_page

        _write(Path(output), "blackboard.html", blackboard_page(compute_blackboard()), quiet)
        return
    if recipe is None:
        raise UsageError("a recipe is needed", hint="Only --demo needs none.")
    if options["table"] and not options["wants"]:
        raise UsageError("--table needs --wants", hint="For example --wants filter:0.")
    try:
        with without_warnings(quiet=quiet):
            page = _make_page(recipe, image, quiet, options)
    except ReadError as error:  # the picture failed, not the command: exit code 1 as in a run
        click.echo(f"failed: {mask_credentials(image or 'the first picture')}: {error}", err=True)
        sys.exit(1)
    _write(Path(output), "explain.html", page, quiet)


def _make_page(recipe: str, image: str | None, quiet: bool, options: dict[str, Any]) -> str:
    from diascope.explain.page import explain_page
    from diascope.explain_picture import ExplainRequest, explain_item
    from diascope.inference_trace import OVERRIDES
    from diascope.pipeline import compose
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, (*OVERRIDES, *options["overrides"]))
    read.refuse_strict("pipeline explain")
    request = ExplainRequest(
        image=image,
        label=options["label"],
        method=options["method"],
        occlusion=not options["no_occlusion"],
        wants=options["wants"],
        table=options["table"],
        limit=options["limit"],
        seed=options["seed"],
        command=typed_command(),
    )
    result = explain_item(compose(read), request)
    if not quiet:
        _print_summary(result)
    return explain_page(result.subject, result.explanation, result.visualisations, result.gallery)


def _print_summary(result: "PictureExplanation") -> None:
    from diascope.display_text import plural

    subject = result.subject
    prediction, chosen, facts = subject.prediction, subject.chosen, subject.facts
    evidence = result.explanation.evidence[chosen]
    for warning in subject.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{', '.join(prediction.predicted) or 'no label'}: {prediction.item.id}")
    line = f"  {evidence.method} evidence of {chosen}: sum {evidence.sum:+.4g}"
    if evidence.residual is not None:
        line += f", relative residual {evidence.residual:.1e}"
    click.echo(line)
    classify, look = facts["seconds to classify"], facts["seconds to explain"]
    click.echo(f"  classified in {classify:.2f} s, explained in {look:.2f} s")
    for each in result.visualisations:
        here, there = each.explained_response.strength, each.response.strength
        click.echo(
            f"  {each.target.name}: {here:.4g} for this picture, {there:.4g} for the visualisation"
        )
    if gallery := result.gallery:
        searched = plural(gallery.searched, "picture")
        click.echo(f"  {searched} of the table searched in {gallery.seconds:.0f} s")
        for reason, count in gallery.left_out.items():
            click.echo(f"  left out: {count}, {reason}", err=True)


def _write(folder: Path, name: str, page: str, quiet: bool) -> None:
    from diascope.errors import OutputError
    from diascope.output import check_local, write_atomically

    check_local(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, page)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    if not quiet:
        click.echo(f"  {folder / name}")
