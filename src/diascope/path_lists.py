"""Read lists of paths: text files with one path a line, or CSV files with a column ``path``."""

import csv
import io
from pathlib import Path

from diascope.csv_rows import columns_hint, is_blank, quote_hint, strip_path
from diascope.errors import UsageError, reason_of


def listed_paths(path: Path) -> list[str]:
    """Return the paths in a list, as they are written there.

    Raises:
        UsageError: if the list cannot be read, has no column ``path``, or has a row without a path.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _csv_paths(path, text) if path.suffix.lower() == ".csv" else _text_paths(text)
    except (OSError, UnicodeDecodeError, csv.Error) as error:  # csv.Error: an unclosed quote
        message = f"the list {path} cannot be read: {reason_of(error)}"
        raise UsageError(message, hint=quote_hint(error)) from error


def _text_paths(text: str) -> list[str]:
    """Return the lines that are neither empty nor comments."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _csv_paths(path: Path, text: str) -> list[str]:
    """Return the cells of the column ``path``; rows whose cells are all empty are left out.

    Blanks around a path are removed unless a file of that name exists.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if "path" not in (reader.fieldnames or ()):
        columns = reader.fieldnames or ()
        message = f"the list {path} has no column 'path': {', '.join(columns)}"
        raise UsageError(message, hint=columns_hint(columns))
    paths = []
    for row in reader:
        if is_blank(row):
            continue
        name = strip_path(path.parent, row["path"] or "")
        if not name:
            raise UsageError(f"{path}:{reader.line_num}: the path is empty")
        paths.append(name)
    return paths
