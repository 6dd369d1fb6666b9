"""The versions of the libraries that give the answers, and of those that gave earlier ones."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from diascope.ledger import Ledger
from diascope.preparation import Part

_LIBRARIES = (
    *("diascope", "numpy", "pillow", "scikit-image", "scipy", "av"),
    *("torch", "monai", "safetensors", "openvino", "onnx", "onnxruntime", "ncnn"),
    *("pydicom", "imagecodecs", "pyjpegls", "python-gdcm"),
    *("pylibjpeg", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle"),
)
"""Libraries with which the core decodes, computes and executes networks."""

_VERSIONS = "versions"
"""By library, the versions that gave answers, the newest last; None if it was not installed."""

_NAME = re.compile(r"[\w.-]+")


@cache
def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution, else None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def library_versions(parts: Iterable[Part[Any]]) -> dict[str, str]:
    """Return the installed versions, by name, of the libraries that parts of a pipeline use.

    These are the core's libraries, and the requirements of the plugins' distributions.
    """
    others = {part.plugin.distribution for part in parts} - {"diascope"}
    names = dict.fromkeys(_LIBRARIES)
    for name in sorted(others):
        names |= dict.fromkeys(_requirements(name))
    return {name: found for name in names if (found := installed_version(name))}


def _requirements(distribution: str) -> list[str]:
    """Return the normalised names of a distribution's requirements, without those of extras."""
    try:
        texts = requires(distribution) or ()
    except PackageNotFoundError:  # its folder is not named as its metadata says
        return []
    named = [_NAME.match(text) for text in texts if "extra ==" not in text]
    return [re.sub(r"[-_.]+", "-", name[0]).lower() for name in named if name]


def note_versions(ledger: Ledger, parts: Iterable[Part[Any]]) -> None:
    """Store the versions that give the answers from now on."""
    known = ledger.load_current(_VERSIONS, {}) if ledger.has_answers() else {}
    unknown = [None] if known else []
    seen = {
        name: [*(each for each in known.get(name, unknown) if each != found), found]
        for name, found in (dict.fromkeys(known) | library_versions(parts)).items()
    }
    ledger.store_current(_VERSIONS, seen)


def latest_versions(ledger: Ledger) -> dict[str, str]:
    """Return the versions, by library, that gave the newest answers; empty if unknown."""
    known = ledger.load_current(_VERSIONS, {})
    return {name: seen[-1] for name, seen in known.items() if seen[-1] is not None}


def mixed_version_warnings(ledger: Ledger) -> list[str]:
    """Return a warning if the answers were given with different versions, else none."""
    changes = [
        f"{name} {' and '.join(each or 'none' for each in older)}, now {last or 'none'}"
        for name, (*older, last) in ledger.load_current(_VERSIONS, {}).items()
        if older
    ]
    if not changes:
        return []
    return [
        f"some answers here were given with other versions: {'; '.join(changes)}. They may differ "
        "in their last digits or more; use another folder (--output) for answers of one version"
    ]
