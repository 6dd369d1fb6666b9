"""Compare the versions of diascope and its plugins on the nodes with those on this machine."""

from collections.abc import Mapping
from importlib.metadata import distributions

from diascope.errors import PluginError


def installed_versions() -> dict[str, str]:
    """Return the versions, by distribution, of diascope and of all distributions with plugins."""
    found: dict[str, str] = {}
    for distribution in distributions():
        if any(entry.group.startswith("diascope.") for entry in distribution.entry_points):
            found.setdefault(distribution.metadata["Name"], distribution.version)
    return found


def check_same(driver: Mapping[str, str], node: Mapping[str, str], name: str) -> None:
    """Check that a node has the versions with which the run was started.

    Args:
        driver: versions installed where the run was started.
        node: versions installed on the node, which may have further distributions.
        name: name of the node.

    Raises:
        PluginError: if any differ, with the versions here and on the node.
    """
    other = [
        f"{package} {version} here, {node.get(package, 'none')} there"
        for package, version in sorted(driver.items())
        if node.get(package) != version
    ]
    if other:
        raise PluginError(
            f"the node {name} has other versions than this machine: {'; '.join(other)}",
            hint="Install the same packages on every node, best from the same image.",
        )
