"""``pipeline models``: the installed models and their cards."""

import json
from typing import TYPE_CHECKING, Any

import click

from diascope.cli.command_line import ANY_PATH
from diascope.cli.streams import stdout_to_stderr

if TYPE_CHECKING:
    from pathlib import Path

    from diascope.card import ModelCard

_EXAMPLE = """\b
Examples:
  pipeline models list
  pipeline models show NAME
  pipeline models show my.yaml
  pipeline models show runs/mine --json
  pipeline models show runs/mine --html card.html
"""


@click.group(epilog=_EXAMPLE)
def models() -> None:
    """List the installed models, or show a model's card."""


@models.command("list", epilog=_EXAMPLE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(as_json: bool) -> None:
    """List the installed models."""
    from diascope.errors import DiascopeError
    from diascope.plugins import find_plugins

    rows: list[dict[str, Any]] = []
    for plugin in (plugin for plugin in find_plugins() if plugin.kind == "model"):
        row: dict[str, Any] = {"name": plugin.name, "distribution": plugin.distribution}
        try:
            card, _ = _card(plugin.name)
            row |= {"title": card.title, "task": card.task, "labels": list(card.names), "cause": ""}
        except DiascopeError as error:
            row |= {"title": "", "task": "", "labels": [], "cause": str(error)}
        rows.append(row)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        click.secho(row["name"], bold=True, nl=False)
        title = f"  {row['title']}" if row["title"] else ""
        click.echo(f"{title}  ({row['distribution']})")
        click.echo(f"  {row['cause'] or ', '.join(row['labels'])}")


@models.command("show", epilog=_EXAMPLE)
@click.argument("name", type=ANY_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=ANY_PATH,
    help="Write the card as an HTML page; `-` prints it.",
)
def show(name: str, as_json: bool, page: str | None) -> None:
    """Show the card of NAME, a model, a folder of weights or a recipe."""
    from diascope.cli.card_text import card_lines
    from diascope.errors import UsageError
    from diascope.pages.card import card_page
    from diascope.weight_count import count_weights

    if as_json and page:
        raise UsageError("--json and --html exclude each other", hint="Choose one.")
    card, folder = _card(name)
    weights = count_weights(folder) if folder else None
    if as_json:
        click.echo(json.dumps(card.plain(), indent=1))
    elif page:
        _write_page(card_page(card, weights), page)
    else:
        for line in card_lines(card, weights):
            click.echo(line)


def _write_page(content: str, page: str) -> None:
    from pathlib import Path

    from diascope.errors import OutputError
    from diascope.output import write_atomically

    if page == "-":
        click.echo(content)
        return
    try:
        write_atomically(Path(page), content)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=page) from error
    click.echo(f"Card: {page}")


@stdout_to_stderr()
def _card(name: str) -> "tuple[ModelCard, Path | None]":
    """Return a card and the folder of its weights, if the model has one."""
    from os import sep
    from os.path import isdir
    from pathlib import Path

    from diascope.card import read_card
    from diascope.errors import WeightsError
    from diascope.parameters import parameters
    from diascope.plugin_creation import make_from_values, make_part
    from diascope.plugins import card_of, find_plugin, load_plugin
    from diascope.recipe import read_recipe

    if isdir(name):  # noqa: PTH112 - Path.is_dir may raise
        return read_card(Path(name)), Path(name)
    if name.endswith((".yaml", ".yml")):
        recipe = read_recipe(name)
        part = make_part(recipe.model, recipe)
        return card_of(part.plugin, part.instance), _weights_folder(part.instance)
    if sep in name:
        raise WeightsError("there is no such folder of weights", where=name)
    plugin = find_plugin("model", name)
    loaded = load_plugin(plugin)
    needed = [each for each in parameters(loaded).values() if each.required]
    if needed:
        given = ", ".join(f"{each.name}: ..." for each in needed)
        raise WeightsError(
            f"{name} needs {', '.join(f'{each.name} ({each.type_name})' for each in needed)}",
            hint=f"Write `model: {{{name}: {{{given}}}}}` in a recipe, and show that.",
        )
    model = make_from_values("model", name, {}, where=name, title=name).instance
    return card_of(plugin, model), _weights_folder(model)


def _weights_folder(model: Any) -> "Path | None":
    from pathlib import Path

    folder = getattr(model, "weights", None)
    return folder if isinstance(folder, Path) else None
