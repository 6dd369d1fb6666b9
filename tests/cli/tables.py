"""The label table for the tests of ``pipeline evaluate``."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

from tests.runs import write_pictures

LABELS = ("red", "green", "blue")


def write_labelled(folder: Path) -> Path:
    """Write twelve pictures and their table: labels, sexes, ages; the last four are for testing."""
    write_pictures(folder / "photos", 12)
    return write_rows(folder / "table.csv", 12)


def write_rows(path: Path, count: int, **changes: str) -> Path:
    lines = ["path,label,split,sex,age"]
    for number in range(count):
        label = changes.get("label", LABELS[number % 3])
        split = "test" if number >= 8 else "train"
        lines.append(f"photos/{number:02}.png,{label},{split},{'fm'[number % 2]},{20 + number}")
    path.write_text("\n".join(lines) + "\n")
    return path


def measured(folder: Path) -> Any:
    """Return the content of ``metrics.json``."""
    return json.loads((folder / "metrics.json").read_text())


def with_masks(table: Path) -> Path:
    """Give every row of a table a mask of its middle."""
    mask = Image.new("L", (40, 40), 0)
    mask.paste(255, (10, 10, 30, 30))
    mask.save(table.parent / "mask.png")
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{header},mask", *(f"{line},mask.png" for line in lines)]))
    return table
