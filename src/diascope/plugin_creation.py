"""Create the plugins that recipes and cards name."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast
from warnings import warn

from diascope.contract_checks import backbone_fault
from diascope.contracts import Backbone, Reader
from diascope.document import Node, parse_document
from diascope.errors import DiascopeError, PluginError, RecipeError
from diascope.fields import check_values, construct
from diascope.parameters import parameters
from diascope.plugins import (
    Plugin,
    blame_plugin,
    find_plugin,
    find_plugins,
    load_plugin,
    newer_api_warning,
)
from diascope.preparation import Part
from diascope.recipe import Recipe, Reference
from diascope.shipped_weights import check_model

_PER_ITEM = ("reader", "preprocessing", "model", "augmentation")
"""The kinds of plugins of which a missing file would fail every item."""


def make_part(reference: Reference, recipe: Recipe) -> Part[Any]:
    """Create the plugin that a recipe refers to."""
    try:
        plugin = find_plugin(reference.kind, reference.name)
        loaded = load_plugin(plugin)
        return _create(
            plugin, loaded, reference.parameters, where=reference.where, base=recipe.base
        )
    except PluginError as error:
        raise PluginError(error.message, where=reference.where, hint=error.hint) from error


def make_backbone(name: str, values: Mapping[str, Any]) -> Backbone:
    """Create a backbone plugin from plain values, as stored in a card."""
    title = f"backbone {name}"
    part = make_from_values("backbone", name, values, where=title, title=title)
    return cast(Backbone, part.instance)


def make_from_values(
    kind: str,
    name: str,
    values: Mapping[str, Any],
    *,
    where: str,
    title: str,
    base: Path | None = None,
) -> Part[Any]:
    """Create a plugin from plain values, and warn if it was written for newer contracts.

    Args:
        where: the place that errors of the whole plugin name.
        title: what the values are called in errors of one of them.
        base: the folder in which relative paths are looked up before the current folder.
    """
    plugin = find_plugin(kind, name)
    loaded = load_plugin(plugin)
    if message := newer_api_warning(plugin, loaded):
        warn(message, stacklevel=2)
    nodes = parse_document(json.dumps(values), name=title).value
    return _create(plugin, loaded, nodes, where=where, base=base)


def make_readers(recipe: Recipe) -> tuple[tuple[Part[Reader], ...], dict[str, str]]:
    """Create a recipe's reader, or for ``auto`` every reader that works without parameters.

    Returns:
        The readers, and the errors of those that ``auto`` leaves out because they are broken, by
        the plugin's title.
    """
    if recipe.read is not None:
        return (make_part(recipe.read, recipe),), {}
    found, broken = [], {}
    for plugin in (plugin for plugin in find_plugins() if plugin.kind == "reader"):
        try:
            loaded = load_plugin(plugin)
            if any(parameter.required for parameter in parameters(loaded).values()):
                continue
            with blame_plugin(plugin, "cannot be created"):
                found.append(Part[Reader](plugin, loaded()))
        except DiascopeError as error:
            broken[plugin.title] = error.message
    return tuple(found), broken


def newer_api_warnings(parts: Iterable[Part[Any]]) -> list[str]:
    """Return a warning for each plugin that was written for newer contracts."""
    return list(
        filter(None, (newer_api_warning(part.plugin, type(part.instance)) for part in parts))
    )


def _create(
    plugin: Plugin, loaded: type, values: dict[str, Node], *, where: str, base: Path | None
) -> Part[Any]:
    """Create a plugin from the values of a recipe or a card.

    Raises:
        PluginError: naming it, if its code fails, or for a backbone with invalid attributes.
        RecipeError: if it does not accept the values, or one names a path that does not exist.
    """
    with blame_plugin(plugin, "cannot be created"):
        arguments = check_values(loaded, values, where=where, base=base)
        instance = construct(loaded, arguments, values, where)
        fault = backbone_fault(instance) if plugin.kind == "backbone" else ""
    if fault:
        raise PluginError(f"{plugin.title}: {fault}")
    if plugin.kind == "model":
        check_model(plugin, instance, given=values)  # it says more of missing weights
    if plugin.kind in _PER_ITEM:
        for name, value in arguments.items():
            _refuse_missing_paths(name, value, values[name].where)
    # Path.exists and Path.is_file raise for a name that is too long
    files = filter(os.path.isfile, _paths_in(arguments))
    return Part(plugin, instance, files=tuple(files))


def _refuse_missing_paths(name: str, value: Any, where: str) -> None:
    """Raise a RecipeError if a path in a parameter's value does not exist.

    A run would replace the answers that were given with it by failures.
    """
    for path in _paths_in(value):
        if not os.path.exists(path):  # noqa: PTH110 - see above
            message = f"{name}: there is no file or folder {path}"
            raise RecipeError(message, where=where, hint="Restore it, or name another.")


def _paths_in(value: Any) -> Iterator[Path]:
    """Yield the paths among the values of a recipe, in their order."""
    if isinstance(value, Path):
        yield value
    elif is_dataclass(value):
        yield from _paths_in([getattr(value, each.name) for each in fields(value)])
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _paths_in(each)
