"""Read CSV files whose rows are pictures, with hints on how to write them."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diascope.errors import TableError, reason_of

LABEL_COLUMNS = ("path", "label", "labels", "group", "split", "weight")
"""The columns that have a meaning in a table of labels."""


def read_csv_rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns of a CSV, and its rows with their line numbers, without blank rows.

    Raises:
        TableError: if it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            numbered = [(reader.line_num, row) for row in reader if not _is_blank(row)]
    except UnicodeDecodeError as error:
        hint = "In Excel: save it as CSV UTF-8."
        raise TableError(f"is not UTF-8 text: {error}", where=str(path), hint=hint) from error
    except (OSError, csv.Error) as error:
        message = f"cannot be read: {reason_of(error)}"
        raise TableError(message, where=str(path), hint=_quote_hint(error)) from error
    return columns, numbered


def _is_blank(row: Mapping[Any, Any]) -> bool:
    """Whether all cells of a row are empty; spreadsheets often end with such rows."""
    cells = [cell for held in row.values() for cell in (held if isinstance(held, list) else [held])]
    return not any(cell and cell.strip() for cell in cells)


def strip_path(folder: Path, cell: str) -> str:
    """Return a path cell without surrounding blanks, unless the file's name has them."""
    plain = cell.strip()
    return cell if plain != cell and os.path.isfile(folder / cell) else plain  # noqa: PTH113


def columns_hint(columns: Sequence[str]) -> str:
    """Return a hint for a table that lacks a required column, or an empty text."""
    if not any(columns):
        return "Its first line must name the columns."
    if columns[0].startswith("sep="):
        return "Remove its first line, sep=, which only Excel reads, and save it with commas."
    if mark := next((mark for mark in ";\t" if len(columns) == 1 and mark in columns[0]), ""):
        return f"Its cells are separated by {mark!r}; save it with commas."
    near = [(name, name.strip().casefold()) for name in columns]
    odd = [
        f"{name!r} as {plain}" for name, plain in near if plain in LABEL_COLUMNS and plain != name
    ]
    return f"Write {', '.join(odd)}." if odd else ""


def _quote_hint(error: Exception) -> str:
    """Return a hint for a CSV error, which is mostly an overlong cell, or an empty text."""
    return 'Is there an unclosed quote (")?' if isinstance(error, csv.Error) else ""
