"""Try every plugin in a separate process, so that a broken one cannot do harm.

Each is imported. A model that needs no parameters is created too, and its card is read.

``python -m diascope.plugin_health`` is that process. It reads a list of ``kind name distribution``
and prints the cause and hint for each broken one, both as JSON.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points

from diascope.contracts import KINDS
from diascope.errors import DiascopeError, PluginError
from diascope.parameters import check_hints, parameters
from diascope.plugins import (
    Plugin,
    blame_plugin,
    entry_point_group,
    find_plugins,
    load_plugin,
    owner_of,
    recipe_path,
)
from diascope.shipped_weights import check_model

_TIMEOUT_S = 60


@dataclass(frozen=True)
class Health:
    """A plugin and what is wrong with it; ``cause`` is empty if nothing is."""

    plugin: Plugin
    cause: str
    hint: str


def examine(plugins: tuple[Plugin, ...]) -> list[Health]:
    """Return the health of each plugin, without importing any in this process."""
    # -P: import nothing from the current folder
    command = [sys.executable, "-P", "-m", "diascope.plugin_health"]
    keys = [_key(plugin) for plugin in plugins]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(keys),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_TIMEOUT_S,
        )
        causes = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        # one of them hangs or ends the process: bisect to find it
        if len(plugins) == 1:
            reason = f"{plugins[0].title} hangs or ends the process that imports it"
            hint = f"Remove it: pip uninstall {plugins[0].distribution}"
            return [Health(plugins[0], reason, hint)]
        middle = len(plugins) // 2
        return examine(plugins[:middle]) + examine(plugins[middle:])
    return [
        Health(plugin, *causes.get(key, ("", "")))
        for plugin, key in zip(plugins, keys, strict=True)
    ]


def find_misplaced() -> list[Health]:
    """Return plugins in unknown groups named ``diascope.*``, which no recipe can use."""
    groups = sorted(map(entry_point_group, KINDS))
    found = [
        Plugin(group, entry.name, *owner_of(entry.dist), entry.value)
        for group in sorted(entry_points().groups)
        if group.startswith("diascope.") and group not in groups
        for entry in entry_points().select(group=group)
        if entry.dist is not None
    ]
    hint = f"The groups are {', '.join(groups)}."
    return [
        Health(each, f"{each.title}: there is no such group, so it is never found", hint)
        for each in found
    ]


def _key(plugin: Plugin) -> str:
    return f"{plugin.kind} {plugin.name} {plugin.distribution}"


def _check(plugin: Plugin) -> None:
    if plugin.kind == "recipe":
        recipe_path(f"{plugin.distribution}:{plugin.name}")
        return
    loaded = load_plugin(plugin)
    try:
        check_hints(loaded)
    except PluginError as error:
        raise PluginError(f"{plugin.title}: {error.message}", hint=error.hint) from error
    if plugin.kind == "model" and not any(each.required for each in parameters(loaded).values()):
        with blame_plugin(plugin, "cannot be created"):
            model = loaded()
        check_model(plugin, model)


def _main() -> None:
    wanted = set(json.load(sys.stdin))
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # keep what plugins print out of the answer
    causes = {}
    names = [(plugin.kind, plugin.name) for plugin in find_plugins()]
    for plugin in find_plugins():
        if _key(plugin) not in wanted:
            continue
        try:
            _check(plugin)
        except PluginError as error:
            causes[_key(plugin)] = (error.message, error.hint)
            continue
        except DiascopeError as error:  # of a model's own card
            message = DiascopeError(error.message, where=error.where)
            causes[_key(plugin)] = (f"{plugin.title}: {message}", error.hint)
            continue
        if names.count((plugin.kind, plugin.name)) > 1:
            causes[_key(plugin)] = (
                f"the {plugin.kind} {plugin.name!r} is claimed by more than one distribution",
                f"Write {plugin.distribution}:{plugin.name} in recipes.",
            )
    print(json.dumps(causes), file=answer, flush=True)


if __name__ == "__main__":
    _main()
