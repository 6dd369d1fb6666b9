"""Files of installed Python packages, which recipes name ``package://PACKAGE/PATH``."""

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "package://"


def package_path(name: str) -> Path:
    """Return the path of ``package://PACKAGE/PATH``; the package is not imported.

    Raises:
        ValueError: if there is no such package, or the path leads out of it.
    """
    package, _, inside = name.removeprefix(PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() and package != "__main__" else None
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"there is no installed Python package {package!r}")
    parts = [part for part in inside.split("/") if part]
    if ".." in parts:
        raise ValueError(f"{name} leads out of the package")
    return Path(spec.submodule_search_locations[0], *parts)
