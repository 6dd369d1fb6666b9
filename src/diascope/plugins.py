"""Find plugins by entry point, import them on demand, and explain what is broken.

Names, versions and modules are read from the metadata of installed distributions. A plugin is
imported only when a recipe names it.
"""

import importlib
import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, distributions, entry_points
from importlib.util import find_spec
from pathlib import Path, PurePath
from traceback import walk_tb
from typing import Any

from diascope import contracts
from diascope.card import ModelCard
from diascope.display_text import suggest
from diascope.errors import ENDS, DiascopeError, PluginError, reason_of
from diascope.parameters import parameters
from diascope.plugin_methods import method_fault
from diascope.sample import Item


@dataclass(frozen=True, slots=True, order=True)
class Plugin:
    """A plugin as described by its distribution's metadata."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name!r} of {self.distribution} {self.version}"


def entry_point_group(kind: str) -> str:
    """Return the entry-point group of a kind of plugin."""
    return "diascope.preprocessing" if kind == "preprocessing" else f"diascope.{kind}s"


@cache
def find_plugins() -> tuple[Plugin, ...]:
    """Return every installed plugin, sorted by kind and name. Imports none of them.

    Raises:
        PluginError: naming a distribution whose ``entry_points.txt`` is damaged.
    """
    found = set()
    try:
        every = entry_points()
    except Exception as error:  # which does not name the distribution
        names = " ".join(owner_of(each)[0] for each in distributions() if _is_damaged(each))
        raise PluginError(
            f"entry_points.txt of {names} cannot be read: {reason_of(error)}",
            hint=f"Reinstall it: pip install --force-reinstall {names}",
        ) from error
    for kind in contracts.KINDS:
        for entry in every.select(group=entry_point_group(kind)):
            if entry.dist is not None:
                found.add(Plugin(kind, entry.name, *owner_of(entry.dist), entry.value))
    return tuple(sorted(found))


@cache
def owner_of(distribution: Distribution) -> tuple[str, str]:
    """Return a distribution's name and version. Cached, as each access reads a file.

    A distribution that was partly removed and has no such file is named after its folder.
    """
    folder = PurePath(str(getattr(distribution, "_path", "a distribution"))).name
    return distribution.name or folder, distribution.version or "without METADATA"


def _is_damaged(distribution: Distribution) -> bool:
    with suppress(Exception):
        return distribution.entry_points is None
    return True


def find_plugin(kind: str, name: str) -> Plugin:
    """Return the plugin of that name; ``distribution:name`` chooses between several.

    Raises:
        PluginError: if there is none, or if several distributions claim the name.
    """
    distribution, _, short = name.rpartition(":")
    same_kind = [plugin for plugin in find_plugins() if plugin.kind == kind]
    claims = [
        plugin
        for plugin in same_kind
        if plugin.name == short and distribution in ("", plugin.distribution)
    ]
    if not claims:
        hint = suggest(name, sorted({plugin.name for plugin in same_kind}))
        raise PluginError(f"there is no {kind} plugin named {name!r}", hint=hint)
    if len(claims) > 1:
        owners = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in claims)
        choices = " or ".join(f"{plugin.distribution}:{plugin.name}" for plugin in claims)
        hint = f"Write {choices}, or uninstall the other."
        raise PluginError(f"the {kind} {name!r} is claimed by {owners}", hint=hint)
    return claims[0]


def load_plugin(plugin: Plugin) -> type:
    """Import a plugin's class and check it against its contract.

    Raises:
        PluginError: if it fails, naming the distribution, the plugin, what was expected and found.
    """
    module_name, _, attribute = plugin.target.partition(":")
    try:
        loaded: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            loaded = getattr(loaded, part)
    except ENDS:
        raise
    except BaseException as error:  # a plugin may raise anything
        raise PluginError(
            f"{plugin.title} cannot be imported: {_cause(plugin, error)}",
            hint=_repair_hint(plugin, error),
        ) from error
    with blame_plugin(plugin, "cannot be inspected"):
        if not inspect.isclass(loaded):
            raise PluginError(f"{plugin.title}: expected a class, got {loaded!r}")
        _check_api(plugin, loaded)
        if fault := method_fault(plugin.kind, loaded):
            raise PluginError(f"{plugin.title}: {fault}")
        try:
            parameters(loaded)
        except PluginError as error:
            raise PluginError(f"{plugin.title}: {error.message}", hint=error.hint) from error
    return loaded


@contextmanager
def blame_plugin(plugin: Plugin, what: str) -> Iterator[None]:
    """Turn exceptions of a plugin's code into errors that name the plugin, reason and line.

    Args:
        what: what failed, such as ``cannot be loaded``.

    Raises:
        PluginError: instead of any error except our own and those of ``ENDS``.
    """
    try:
        yield
    except (DiascopeError, *ENDS):
        raise
    except BaseException as error:
        raise PluginError(f"{plugin.title} {what}: {_cause(plugin, error)}") from error


def failure_reason(plugin: Plugin, error: BaseException, item: Item | None = None) -> str:
    """Return why a plugin failed on an item.

    Unless the plugin raised one of our errors, this includes the file and line of its own code,
    without the folder: where it is installed does not belong in a report. If the operating system
    failed on another file than the item's, that file is named.
    """
    if isinstance(error, DiascopeError):
        return reason_of(error)
    name = error.filename if isinstance(error, OSError) else None
    name = Path(name).name if isinstance(name, str) else ""
    about = f": {name!r}" if name and not (item and item.uri.endswith(name)) else ""
    place = _raised_at(plugin, error)
    return reason_of(error) + about + (f" ({Path(place[0]).name}:{place[1]})" if place else "")


def is_raised_by(plugin: Plugin, error: BaseException) -> bool:
    """Return whether a third-party plugin, or a library that it called, raised an error."""
    package = f"{_package(plugin)}."
    names = [f"{frame.f_globals.get('__name__')}." for frame, _ in walk_tb(error.__traceback__)]
    inner = [name for name in names if name.startswith(("diascope.", package))]
    return plugin.distribution != "diascope" and bool(inner) and inner[-1].startswith(package)


def card_of(plugin: Plugin, model: Any) -> ModelCard:
    """Return the card of a model that was created from a plugin.

    Raises:
        PluginError: if it cannot be read, is not a ModelCard, or contradicts itself.
    """
    with blame_plugin(plugin, "cannot provide its card"):
        card = model.card
        if not isinstance(card, ModelCard):
            raise PluginError(
                f"{plugin.title}: expected a ModelCard as its card, got {type(card).__name__}"
            )
        json.dumps(card.plain())  # run.json will contain it
        if wrong := card.contradiction():
            raise PluginError(f"{plugin.title}: its card: {wrong}")
    return card


def newer_api_warning(plugin: Plugin, loaded: Any) -> str:
    """Return a warning if a plugin was written for a newer minor version of the contracts."""
    theirs, ours = loaded.api, contracts.API
    if theirs <= ours:
        return ""
    return (
        f"{plugin.title} was written for the newer plugin API {theirs[0]}.{theirs[1]}; "
        f"this is {ours[0]}.{ours[1]}"
    )


def recipe_path(name: str) -> Path:
    """Return the file of a recipe that a package ships, without importing the package.

    The entry point's value is the package that contains ``NAME.yaml``.
    """
    plugin = find_plugin("recipe", name)
    first, *rest = plugin.target.split(".")
    spec = find_spec(first)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(root, *rest, f"{plugin.name}.yaml")
        if path.is_file():
            return path
    raise PluginError(
        f"{plugin.title}: there is no {plugin.name}.yaml in the package {plugin.target}",
        hint="The entry point must name an installed package, and the file must be in it.",
    )


def _check_api(plugin: Plugin, loaded: type) -> None:
    api, oldest = getattr(loaded, "api", None), (contracts.API[0], 0)
    if not (isinstance(api, tuple) and len(api) == 2 and all(isinstance(n, int) for n in api)):
        raise PluginError(
            f"{plugin.title}: expected a class attribute api = {oldest}, got {api!r}",
            hint=f"Add `api = {oldest}` to the class {loaded.__qualname__}.",
        )
    if api[0] != contracts.API[0]:
        theirs, ours = (".".join(map(str, each)) for each in (api, contracts.API))
        raise PluginError(
            f"{plugin.title} was written for plugin API {theirs}, this diascope has {ours}",
            hint=f"Install matching versions: pip install -U diascope {plugin.distribution}",
        )


def _cause(plugin: Plugin, error: BaseException) -> str:
    """Return an error's reason, the file that it is about, and the line that raised it."""
    about = f": {error.filename}" if isinstance(error, OSError) and error.filename else ""
    place = _raised_at(plugin, error)
    return f"{reason_of(error)}{about}" + (f" ({place[0]}:{place[1]})" if place else "")


def _raised_at(plugin: Plugin, error: BaseException) -> tuple[str, int] | None:
    """Return the file and line of the innermost frame within a plugin's package."""
    package = _package(plugin)
    places = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if f"{frame.f_globals.get('__name__')}.".startswith(f"{package}.")
    ]
    return places[-1] if places else None


def _package(plugin: Plugin) -> str:
    module = plugin.target.partition(":")[0]
    return module.rpartition(".")[0] or module


def _repair_hint(plugin: Plugin, error: BaseException) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and missing.partition(".")[0] != plugin.target.partition(".")[0].partition(":")[0]:
        return f"Install what it needs: pip install {missing.partition('.')[0]}"
    return (
        f"Correct or reinstall {plugin.distribution}, or remove it: "
        f"pip uninstall {plugin.distribution}. Recipes that do not name it still run."
    )
