"""``blackboard.html``: the example of two layers, every number of it."""

from typing import Any

import numpy as np

from diascope.explain.blackboard import Blackboard
from diascope.explain.convolution import Sum
from diascope.explain.page_scripts import scripted
from diascope.pages.formatting import format_number


def blackboard_page(board: Blackboard) -> str:
    """Return the page; it needs no script."""
    return scripted(
        "explain_demo.html",
        (),
        kind="explanation",
        title="A convolution on the blackboard",
        subtitle="A picture of 4 x 4 numbers, a filter of 2 x 2, and two layers",
        padded=np.pad(board.picture, (0, 1)).tolist(),
        filter=board.filter.tolist(),
        convolved=[[each.value for each in row] for row in board.sums],
        lines=[
            {"row": y, "column": x, "words": _sum_words(each), "value": each.value}
            for y, row in enumerate(board.sums)
            for x, each in enumerate(row)
        ],
        activated=board.activated.tolist(),
        largest=_largest(board),
        pooled=board.pooled.tolist(),
        second=_second(board.second),
    )


def _sum_words(each: Sum) -> str:
    """Return such as ``0 x 1 + 4 x 2``."""
    pairs = zip(each.patch.ravel().tolist(), each.weight.ravel().tolist(), strict=True)
    return " + ".join(
        f"{format_number(value)} \N{MULTIPLICATION SIGN} {_factor(by)}" for value, by in pairs
    )


def _largest(board: Blackboard) -> set[tuple[int, int]]:
    """Return the places that the first filter's pooling keeps."""
    return {
        (2 * y + int(at) // 2, 2 * x + int(at) % 2)
        for y in range(2)
        for x in range(2)
        for at in [board.activated[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].argmax()]
    }


def _second(each: Sum) -> dict[str, Any]:
    parts = zip(each.patch, each.weight, each.products, strict=True)
    return {
        "rows": [
            {
                "patch": _listed(patch),
                "weight": _listed(weight),
                "products": _listed(products),
                "sum": float(products.sum()),
            }
            for patch, weight, products in parts
        ],
        "count": each.products.size,
        "sum": float(each.products.sum()),
        "bias": each.bias,
        "value": each.value,
    }


def _listed(numbers: Any) -> str:
    return ", ".join(format_number(number) for number in numbers.ravel().tolist())


def _factor(number: float) -> str:
    return f"({format_number(number)})" if number < 0 else format_number(number)
