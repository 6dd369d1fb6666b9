"""Where a network's cells lie, and the table of its layers, in the words of the pages."""

from collections.abc import Sequence
from typing import Any

from diascope.card import ModelCard
from diascope.display_text import plural
from diascope.explain.layer_table import LayerRow, LayerTable
from diascope.explain.receptive_field import CellGrid
from diascope.pages.formatting import format_number

_FIELD = (
    "The receptive field of a cell is the part of the picture that it depends on; the step is the "
    "distance between the centres of neighbouring cells. Both are in pixels."
)
_INSTANCE_NORM = "An instance norm also uses the mean and variance of the whole map."
_STAGES = (
    "Branches, or code of its own, leave the receptive fields unknown. A stage ends where the maps "
    "become smaller."
)


def cells_text(grid: CellGrid | None, cells: Sequence[int], size: Sequence[int]) -> str:
    """Return what the cells of a map cover.

    Args:
        cells: (rows, columns).
        size: (height, width) of the picture in pixels.
    """
    if grid is None:
        covered = by(*(side / count for side, count in zip(size, cells, strict=True)))
        return (
            f"evenly divided, a cell covers {covered} pixels of the picture; it also depends on "
            "pixels around them"
        )
    field = by(*grid.field)
    if grid.divides_evenly(cells, size):
        return f"a cell covers {by(*grid.step)} pixels of the picture and depends on {field}"
    return f"{_placement(grid)}; each depends on {field} pixels of the picture"


def stretch_note(grid: CellGrid | None, cells: Sequence[int], size: Sequence[int]) -> str:
    """Return how a map that is drawn over the picture is stretched; empty if that is unknown or
    its cells divide the picture evenly."""
    if grid is None or grid.divides_evenly(cells, size):
        return ""
    text = f"{_placement(grid)}; the map is drawn stretched over the whole picture."
    return text[0].upper() + text[1:]


def layer_table_view(table: LayerTable, card: ModelCard) -> dict[str, Any]:
    """Return the rows of the table, the head, the total, and notes about the columns."""
    rows = [_row_view(row, number, table) for number, row in enumerate(table.rows, 1)]
    if table.elsewhere:
        rows.append(_view("other layers", table.elsewhere))
    logits = plural(card.outputs, "logit")
    rows.append(_view("head", table.head, text=card.head, output=logits))
    known = any(row.grid for row in table.rows)
    notes = [_FIELD] if known else []
    notes += [] if table.layered else [_STAGES]
    notes += [_INSTANCE_NORM] if any("instance norm" in row.text for row in table.rows) else []
    return {
        "unit": "layer" if table.layered else "stage",
        "rows": rows,
        "fields": known,
        "weights": format_number(table.weights),
        "note": " ".join(notes),
    }


def by(rows: float, columns: float) -> str:
    """Return a height and width as the pages write them, ``width x height``."""
    return f"{format_number(columns)} x {format_number(rows)}"


def _row_view(row: LayerRow, number: int, table: LayerTable) -> dict[str, str]:
    channels, height, width = row.output
    name = f"{number} {row.name}" if table.layered else row.name
    output = f"{plural(channels, 'map')} of {by(height, width)}"
    field, step = (by(*row.grid.field), _same_or_both(row.grid.step)) if row.grid else ("", "")
    return _view(name, row.weights, text=row.text, output=output, field=field, step=step)


def _view(
    name: str, weights: int, *, text: str = "", output: str = "", field: str = "", step: str = ""
) -> dict[str, str]:
    return {
        "name": name,
        "text": text,
        "output": output,
        "weights": format_number(weights),
        "field": field,
        "step": step,
    }


def _placement(grid: CellGrid) -> str:
    rows, columns = map(format_number, grid.first)
    first = rows if rows == columns else f"row {rows}, column {columns}"
    return (
        f"cells lie {_apart(grid.step)} apart, the first centred at {first} (the first pixel is 0)"
    )


def _apart(step: tuple[int, int]) -> str:
    return plural(step[0], "pixel") if step[0] == step[1] else f"{by(*step)} pixels"


def _same_or_both(pair: tuple[int, int]) -> str:
    return format_number(pair[0]) if pair[0] == pair[1] else by(*pair)
