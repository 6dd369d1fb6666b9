"""The paths that a list names: a text file with one a line, or a CSV with a column ``path``."""

import csv
import io
from pathlib import Path

from diascope.errors import UsageError, reason_of
from diascope.table import columns_hint, is_blank, quote_hint, strip_path


def listed_paths(path: Path) -> list[str]:
    """Return what a list names, as it stands there.

    Raises:
        UsageError: if it cannot be read, has no column ``path``, or has a row whose path is empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _csv_paths(path, text) if path.suffix.lower() == ".csv" else _lines(text)
    except (OSError, UnicodeDecodeError, csv.Error) as error:  # csv's of a cell that never ends
        told = f"the list {path} cannot be read: {reason_of(error)}"
        raise UsageError(told, hint=quote_hint(error)) from error


def _lines(text: str) -> list[str]:
    """Return the lines that are neither empty nor a comment."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _csv_paths(path: Path, text: str) -> list[str]:
    """Return the cells of the column ``path``, without blanks around them that no file has.

    Rows of empty cells are left out, as of a label table.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if "path" not in (reader.fieldnames or ()):
        columns = reader.fieldnames or ()
        told = f"the list {path} has no column 'path': {', '.join(columns)}"
        raise UsageError(told, hint=columns_hint(columns))
    paths = []
    for row in reader:
        if is_blank(row):
            continue
        name = strip_path(path.parent, row["path"] or "")
        if not name:
            raise UsageError(f"{path}:{reader.line_num}: the path is empty")
        paths.append(name)
    return paths
