"""What is installed on a machine, as far as it decides how an item is answered."""

from collections.abc import Mapping
from importlib.metadata import distributions

from diascope.errors import PluginError


def installed() -> dict[str, str]:
    """Return distribution to version, of diascope and of every distribution with a plugin."""
    found: dict[str, str] = {}
    for distribution in distributions():
        if any(entry.group.startswith("diascope.") for entry in distribution.entry_points):
            found.setdefault(distribution.metadata["Name"], distribution.version)
    return found


def check_same(driver: Mapping[str, str], node: Mapping[str, str], name: str) -> None:
    """Refuse a node that would read, preprocess or classify with other versions.

    Args:
        driver: what is installed where the run was started.
        node: what is installed on the node; it may have more.
        name: of the node.

    Raises:
        PluginError: naming each distribution and its version here and there.
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
