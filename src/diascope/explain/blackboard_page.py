"""``blackboard.html``: every number of the blackboard example."""

from typing import Any

import numpy as np

from diascope.explain.blackboard import Blackboard
from diascope.explain.convolution import WeightedSum
from diascope.explain.page_scripts import render_with_scripts
from diascope.pages.formatting import format_number


def blackboard_page(board: Blackboard) -> str:
    """Return the page; it needs no script."""
    return render_with_scripts(
        "blackboard.html",
        (),
        kind="explanation",
        title="A convolution on the blackboard",
        subtitle="A picture of 4 x 4 numbers, a filter of 2 x 2, and two layers",
        padded=np.pad(board.picture, (0, 1)).tolist(),
        filter=board.filter.tolist(),
        convolved=[[each.value for each in row] for row in board.sums],
        lines=[
            {"row": y, "column": x, "text": _sum_text(each), "value": each.value}
            for y, row in enumerate(board.sums)
            for x, each in enumerate(row)
        ],
        activated=board.activated.tolist(),
        maxima=_max_positions(board),
        pooled=board.pooled.tolist(),
        second=_second_layer(board.second),
    )


def _sum_text(each: WeightedSum) -> str:
    """Return a sum such as ``0 x 1 + 4 x 2``."""
    pairs = zip(each.patch.ravel().tolist(), each.weight.ravel().tolist(), strict=True)
    return " + ".join(
        f"{format_number(value)} \N{MULTIPLICATION SIGN} {_factor(by)}" for value, by in pairs
    )


def _max_positions(board: Blackboard) -> set[tuple[int, int]]:
    """Return the positions that the pooling of the first filter keeps."""
    return {
        (2 * y + int(at) // 2, 2 * x + int(at) % 2)
        for y in range(2)
        for x in range(2)
        for at in [board.activated[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].argmax()]
    }


def _second_layer(each: WeightedSum) -> dict[str, Any]:
    parts = zip(each.patch, each.weight, each.products, strict=True)
    return {
        "rows": [
            {
                "patch": _format_numbers(patch),
                "weight": _format_numbers(weight),
                "products": _format_numbers(products),
                "sum": float(products.sum()),
            }
            for patch, weight, products in parts
        ],
        "count": each.products.size,
        "sum": float(each.products.sum()),
        "bias": each.bias,
        "value": each.value,
    }


def _format_numbers(numbers: Any) -> str:
    return ", ".join(format_number(number) for number in numbers.ravel().tolist())


def _factor(number: float) -> str:
    return f"({format_number(number)})" if number < 0 else format_number(number)
