"""Read lists of paths: text files with one path a line, or CSV files with a column ``path``."""

from pathlib import Path

from diascope.csv_rows import columns_hint, read_csv_rows, strip_path
from diascope.errors import TableError, UsageError, reason_of


def listed_paths(path: Path) -> list[str]:
    """Return the paths in a list, as they are written there.

    Raises:
        UsageError: if the list cannot be read, has no column ``path``, or has a row without a path.
    """
    try:
        return _csv_paths(path) if path.suffix.lower() == ".csv" else _text_paths(path)
    except TableError as error:
        raise UsageError(f"the list {path} {error.message}", hint=error.hint) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the list {path} cannot be read: {reason_of(error)}") from error


def _text_paths(path: Path) -> list[str]:
    """Return the lines that are neither empty nor comments."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def _csv_paths(path: Path) -> list[str]:
    """Return the cells of the column ``path``; rows whose cells are all empty are left out.

    Blanks around a path are removed unless a file of that name exists.
    """
    columns, rows = read_csv_rows(path)
    if "path" not in columns:
        message = f"has no column 'path': {', '.join(columns)}"
        raise TableError(message, hint=columns_hint(columns))
    paths = []
    for line, row in rows:
        name = strip_path(path.parent, row["path"] or "")
        if not name:
            raise UsageError(f"{path}:{line}: the path is empty")
        paths.append(name)
    return paths
