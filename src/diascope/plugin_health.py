"""Try to import every plugin, in a process of its own, so that a broken one harms nobody.

Run as ``python -m diascope.plugin_health``: prints ``{"kind name distribution": cause}``.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points

from diascope.contracts import KINDS
from diascope.errors import PluginError
from diascope.plugins import Plugin, find_plugins, group_of, load_plugin, owner_of, recipe_path

_SECONDS = 60


@dataclass(frozen=True)
class Health:
    """A plugin, and what is wrong with it; empty if nothing is."""

    plugin: Plugin
    cause: str
    hint: str


def examine(plugins: tuple[Plugin, ...]) -> list[Health]:
    """Return what is wrong with each plugin; this process imports none of them."""
    command = [sys.executable, "-P", "-m", "diascope.plugin_health"]  # nothing of this folder
    keys = [_key(plugin) for plugin in plugins]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(keys),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_SECONDS,
        )
        causes = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        # one of them hangs or ends the process: find it by examining each half
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
    """Return what is installed under a group of ours that is none: no recipe can name it."""
    groups = sorted(map(group_of, KINDS))
    found = [
        Plugin(group, entry.name, *owner_of(entry.dist), entry.value)
        for group in sorted(entry_points().groups)
        if group.startswith("diascope.") and group not in groups
        for entry in entry_points().select(group=group)
        if entry.dist is not None
    ]
    hint = f"The groups are {', '.join(groups)}."
    return [
        Health(each, f"{each.title}: there is no such group, so that it is never found", hint)
        for each in found
    ]


def _key(plugin: Plugin) -> str:
    return f"{plugin.kind} {plugin.name} {plugin.distribution}"


def _main() -> None:
    wanted = set(json.load(sys.stdin))
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what plugins print is no part of the answer
    causes = {}
    names = [(plugin.kind, plugin.name) for plugin in find_plugins()]
    for plugin in find_plugins():
        if _key(plugin) not in wanted:
            continue
        try:
            if plugin.kind == "recipe":
                recipe_path(f"{plugin.distribution}:{plugin.name}")
            else:
                load_plugin(plugin)
        except PluginError as error:
            causes[_key(plugin)] = (error.message, error.hint)
            continue
        if names.count((plugin.kind, plugin.name)) > 1:
            causes[_key(plugin)] = (
                f"the {plugin.kind} {plugin.name!r} is claimed by more than one distribution",
                f"Write {plugin.distribution}:{plugin.name} in recipes.",
            )
    print(json.dumps(causes), file=answer, flush=True)


if __name__ == "__main__":
    _main()
