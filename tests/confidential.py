"""DICOM files whose every identifying attribute holds a mark, and where a mark turns up again."""

import base64
import binascii
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

WORD = "ZQXMARKER"
PLACE = "QYWPLACE"
"""What the names of files and folders hold, where these are secret too."""

_BYTES = WORD.encode() + b"!"
_MARKS: dict[str, Any] = {
    "AS": "987Y",
    "DA": "18470315",
    "DS": "31337.4243",
    "DT": "18470315235958.770077",
    "IS": "31337424",
    "OB": _BYTES,
    "OW": _BYTES,
    "TM": "235958.770077",
    "UI": "1.2.840.424242.31337",
    "UN": _BYTES,
    "UR": f"https://{WORD}.example",
    "US": 64007,  # is not looked for: five digits stand anywhere
}
_NEEDLES = [WORD, "987Y", "18470315", "31337.4243", "31337424", "235958.770077", "424242.31337"]
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


def attributes() -> list[tuple[BaseTag, str]]:
    """Return tag and VR of what Table E.1-1 lists; a command's own (group 0) are in no file."""
    text = Path(__file__).with_name("confidential.txt").read_text()
    lines = [line.split(" ", 2) for line in text.splitlines() if not line.startswith("#")]
    tags = [(Tag(f"0x{tag.replace(',', '')}"), vr) for tag, vr, _ in lines]
    return [(tag, vr) for tag, vr in tags if tag.group]


def mark(dataset: Dataset, *, sound: bool = True) -> Dataset:
    """Fill every attribute of the table, in sequences too, and a private one.

    Args:
        sound: with values that the standard allows; else with long words, whatever is expected.
    """
    with config.disable_value_validation():
        for tag, vr in attributes():
            into = dataset.file_meta if tag.group == 2 else dataset
            if vr == "SQ":
                into.add_new(tag, vr, [_inner(sound)])
            elif sound or vr in ("OB", "OW", "UN", "US"):
                into.add_new(tag, vr, _MARKS.get(vr, WORD))
            else:
                into.add_new(tag, "LO" if vr in ("AS", "DS", "IS") else vr, WORD * 9)
        dataset.private_block(0x0009, WORD, create=True).add_new(1, "LO", WORD)
    return dataset


def _inner(sound: bool) -> Dataset:
    inner, deeper = Dataset(), Dataset()
    deeper.PatientName = inner.PatientName = WORD if sound else WORD * 9
    inner.StudyDate = _MARKS["DA"] if sound else WORD
    inner.ReferencedSOPInstanceUID = _MARKS["UI"] if sound else WORD
    inner.ReferencedPatientSequence = [deeper]
    return inner


def leaks(content: bytes, needles: list[str]) -> set[str]:
    """Return which of the words stand in bytes: as they are, in base64, in a zip archive."""
    layers = list(_layers(content))
    return {needle for needle in needles if any(needle.encode() in layer for layer in layers)}


def leaks_in(folder: Path, needles: list[str] | None = None) -> set[tuple[str, str]]:
    """Return (file, word) for every mark, or every one of the words, in a folder's files."""
    return {
        (path.name, word)
        for path in folder.rglob("*")
        if path.is_file()
        for word in leaks(path.read_bytes(), _NEEDLES if needles is None else needles)
    }


def leaks_of(text: str) -> set[str]:
    """Return which marks stand in a text."""
    return leaks(text.encode(), _NEEDLES)


def _layers(content: bytes) -> Iterator[bytes]:
    yield content
    for blob in _BASE64.findall(content):
        try:
            yield base64.b64decode(blob)
        except binascii.Error:  # a word of that many letters
            continue
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode() + archive.read(name)
