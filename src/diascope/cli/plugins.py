"""``pipeline plugins``: list the installed plugins, show their parameters and errors."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diascope.cli.streams import stdout_to_stderr
from diascope.contracts import KINDS

if TYPE_CHECKING:
    from diascope.plugin_health import Health
    from diascope.plugins import Plugin

_EXAMPLE = """\b
Examples:
  pipeline plugins list
  pipeline plugins list --kind reader --json
  pipeline plugins show resize
"""


@click.group(epilog=_EXAMPLE)
def plugins() -> None:
    """List the installed plugins and their errors."""


@plugins.command("list", epilog=_EXAMPLE)
@click.option("--kind", type=click.Choice(KINDS), help="Only plugins of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_(kind: str | None, as_json: bool) -> None:
    """List the plugins by kind.

    They are found by their metadata and loaded in a separate process to see whether they work.
    """
    from diascope.plugin_health import examine
    from diascope.plugins import find_plugins

    selected = tuple(plugin for plugin in find_plugins() if kind in (None, plugin.kind))
    health = examine(selected) if selected else []
    if as_json:
        click.echo(json.dumps([_plain(entry) for entry in health], indent=1))
        return
    last = ""
    for entry in health:
        plugin = entry.plugin
        if plugin.kind != last:
            click.secho(plugin.kind, bold=True)
            last = plugin.kind
        click.echo(f"  {plugin.name:<20} {plugin.distribution} {plugin.version}")
        if entry.cause:
            click.secho(f"    broken: {entry.cause}", fg="red")
            click.echo(f"    {entry.hint}")


@plugins.command("show", epilog=_EXAMPLE)
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), help="Only the plugin of this kind.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(name: str, kind: str | None, as_json: bool) -> None:
    """Show what the plugin NAME does and which parameters it takes.

    If NAME is a recipe, its text is shown.
    """
    from diascope.display_text import suggest
    from diascope.errors import PluginError
    from diascope.plugins import find_plugin, find_plugins

    name = name.removesuffix(".yaml")  # `pipeline run` takes recipes with this suffix
    short = name.rpartition(":")[2]
    kinds = [plugin.kind for plugin in find_plugins() if plugin.name == short]
    if kind is None and not kinds:
        hint = suggest(name, sorted({plugin.name for plugin in find_plugins()}))
        raise PluginError(f"there is no plugin named {name!r}", hint=hint)
    shown = [find_plugin(each, name) for each in sorted({kind} if kind else set(kinds))]
    documents = [_document(plugin) for plugin in shown]
    if as_json:
        click.echo(json.dumps(documents if len(documents) > 1 else documents[0], indent=1))
        return
    for document in documents:
        _print(document)


@stdout_to_stderr()
def _document(plugin: "Plugin") -> dict[str, Any]:
    import inspect

    from diascope.parameters import parameters
    from diascope.plugins import load_plugin, recipe_path

    head = asdict(plugin)
    if plugin.kind == "recipe":
        path = recipe_path(f"{plugin.distribution}:{plugin.name}")
        return {**head, "file": str(path), "text": path.read_text(encoding="utf-8")}
    loaded = load_plugin(plugin)
    takes = [
        {
            "name": parameter.name,
            "type": parameter.type_name,
            "default": "required" if parameter.required else _default(parameter.default),
        }
        for parameter in parameters(loaded).values()
    ]
    return {**head, "text": inspect.getdoc(loaded) or "", "parameters": takes}


def _default(value: object) -> str:
    """Return the ``repr`` of a default value, of a path that of its text, as in a recipe."""
    return repr(str(value) if isinstance(value, Path) else value)


def _print(document: dict[str, Any]) -> None:
    owner = f"{document['distribution']} {document['version']}"
    click.secho(f"{document['kind']} {document['name']}", bold=True, nl=False)
    click.echo(f"  ({owner}, {document.get('file') or document['target']})\n")
    click.echo(document["text"] + "\n")
    for parameter in document.get("parameters", []):
        click.echo(f"  {parameter['name']}: {parameter['type']} = {parameter['default']}")


def _plain(health: "Health") -> dict[str, str]:
    return {
        **asdict(health.plugin),
        "state": "broken" if health.cause else "ok",
        "cause": health.cause,
        "hint": health.hint,
    }
