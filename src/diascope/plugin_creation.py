"""Create the plugins that recipes and cards name."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from warnings import warn

from diascope.card import file_digest
from diascope.contract_checks import backbone_fault
from diascope.contracts import Backbone, Reader
from diascope.document import parse_document
from diascope.errors import DiascopeError, PluginError
from diascope.fields import parameters
from diascope.plugins import (
    Plugin,
    blame_plugin,
    find_plugin,
    find_plugins,
    load_plugin,
    newer_api_warning,
)
from diascope.preparation import Part
from diascope.recipe import Recipe, Reference, build

_READ_FILES = ("reader", "preprocessing", "augmentation", "model")
"""Kinds of plugins whose files determine answers or weights. A backbone's weights are not among
them: those that a card describes, or ``start`` names, replace them."""


def make_part(reference: Reference, recipe: Recipe) -> Part[Any]:
    """Create the plugin that a recipe refers to."""
    try:
        plugin = find_plugin(reference.kind, reference.name)
        loaded = load_plugin(plugin)
        with blame_plugin(plugin, "cannot be created"):
            instance = build(loaded, reference.parameters, where=reference.where, base=recipe.base)
        return _make_checked_part(plugin, instance)
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
    with blame_plugin(plugin, "cannot be created"):
        instance = build(loaded, nodes, where=where, base=base)
    return _make_checked_part(plugin, instance)


def make_readers(recipe: Recipe) -> tuple[tuple[Part[Reader], ...], list[str]]:
    """Create a recipe's reader, or for ``auto`` every reader that works without parameters.

    Returns:
        The readers, and a warning for each one that ``auto`` leaves out because it is broken.
    """
    if recipe.read is not None:
        return (make_part(recipe.read, recipe),), []
    found, warnings = [], []
    for plugin in (plugin for plugin in find_plugins() if plugin.kind == "reader"):
        try:
            loaded = load_plugin(plugin)
            if any(parameter.required for parameter in parameters(loaded).values()):
                continue
            with blame_plugin(plugin, "cannot be created"):
                found.append(Part[Reader](plugin, loaded()))
        except DiascopeError as error:
            warnings.append(f"left out of `read: auto`: {error.message}")
    return tuple(found), warnings


def newer_api_warnings(parts: Iterable[Part[Any]]) -> list[str]:
    """Return a warning for each plugin that was written for newer contracts."""
    return list(
        filter(None, (newer_api_warning(part.plugin, type(part.instance)) for part in parts))
    )


def _make_checked_part(plugin: Plugin, instance: Any) -> Part[Any]:
    """Return the part of a new instance, with digests of the files that determine its results.

    Raises:
        PluginError: for a backbone with invalid attributes.
    """
    if plugin.kind == "backbone":
        with blame_plugin(plugin, "cannot be inspected"):
            fault = backbone_fault(instance)
        if fault:
            raise PluginError(f"{plugin.title}: {fault}")
    files = _named_files(instance) if plugin.kind in _READ_FILES else ()
    return Part(plugin, instance, files=tuple(map(file_digest, files)))


def _named_files(instance: Any) -> Iterator[Path]:
    """Yield the files that the parameters of a plugin name, in the order of the parameters."""
    for name in parameters(type(instance)):
        value = getattr(instance, name, None)
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, Path) and each.is_file():
                yield each
