"""The versions of the libraries that give the answers, and of those that gave them before."""

import json
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
"""Of what the core decodes, reckons and executes with."""

_FACT = "versions"
_REQUIRED = re.compile(r"[\w.-]+")


@cache
def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution, else None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def library_versions(parts: Iterable[Part[Any]]) -> dict[str, str]:
    """Return name to version of the libraries that parts use: the core's, and what others require.

    What is not installed is left out.
    """
    others = {part.plugin.distribution for part in parts} - {"diascope"}
    names = dict.fromkeys(_LIBRARIES)
    for name in sorted(others):
        names |= dict.fromkeys(_required(name))
    return {name: found for name in names if (found := installed_version(name))}


def _required(distribution: str) -> list[str]:
    """Return the normalised names of what a distribution says it cannot do without."""
    try:
        texts = requires(distribution) or ()
    except PackageNotFoundError:  # its folder has another name than its metadata
        return []
    named = [_REQUIRED.match(text) for text in texts if "extra ==" not in text]
    return [re.sub(r"[-_.]+", "-", name[0]).lower() for name in named if name]


def note_versions(ledger: Ledger, parts: Iterable[Part[Any]]) -> None:
    """Remember with which versions the answers are given that are recorded from now on."""
    known = _answered(ledger) if ledger.has_answers() else {}
    unknown = [None] if known else []
    seen = {
        name: [*(each for each in known.get(name, unknown) if each != found), found]
        for name, found in (dict.fromkeys(known) | library_versions(parts)).items()
    }
    ledger.store_text(_FACT, json.dumps([ledger.digest, seen]))


def latest_versions(ledger: Ledger) -> dict[str, str]:
    """Return name to version of the libraries that gave the newest answers; empty if unknown."""
    return {name: seen[-1] for name, seen in _answered(ledger).items() if seen[-1] is not None}


def mixed_version_warnings(ledger: Ledger) -> list[str]:
    """Return a warning if not all answers were given with the same versions."""
    told = [
        f"{name} {' and '.join(each or 'none' for each in older)}, now {last or 'none'}"
        for name, (*older, last) in _answered(ledger).items()
        if older
    ]
    if not told:
        return []
    return [
        f"some answers here were given with other versions: {'; '.join(told)}. They may differ in "
        "their last digits or more; another folder (--output) has all answers of one version"
    ]


def _answered(ledger: Ledger) -> dict[str, list[str | None]]:
    """Return name to the versions that gave answers of this digest, None if absent, newest last."""
    digest, seen = ledger.load_json(_FACT, ["", {}])
    return seen if digest == ledger.digest else {}
