"""The blackboard example, worked out by hand.

The picture, with a row and a column of zeros, and the filter:

    0 0 1 0 | 0        1  2
    0 4 0 0 | 0        3 -1
    0 0 0 5 | 0
    2 0 1 0 | 0
    --------+
    0 0 0 0   0

The first sum is 0*1 + 0*2 + 0*3 - 4*1 = -4, the next 0*1 + 1*2 + 4*3 - 0*1 = 14, and so on.
"""

import re

import numpy as np
import torch
from torch.nn import functional

from diascope.explain.blackboard import compute_blackboard
from diascope.explain.blackboard_page import blackboard_page

SUMS = [[-4, 14, 1, 0], [8, 4, -5, 15], [6, -1, 13, 5], [2, 2, 1, 0]]
AFTER_RELU = [[0, 14, 1, 0], [8, 4, 0, 15], [6, 0, 13, 5], [2, 2, 1, 0]]
POOLED = [[14, 15], [6, 13]]


def tables_of(section: str) -> list[list[list[str]]]:
    """Return the tables of numbers in a section of the page."""
    part = blackboard_page(compute_blackboard()).split(f"<h2>{section}")[1].split("</section>")[0]
    tables = part.split("<table")[1:]
    return [
        [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in table.split("<tr>")[1:]]
        for table in tables
    ]


def as_text(rows: list[list[int]]) -> list[list[str]]:
    return [[str(number).replace("-", "\N{MINUS SIGN}") for number in row] for row in rows]


def test_the_numbers_are_those_worked_out_by_hand() -> None:
    board = compute_blackboard()

    assert [[each.value for each in row] for row in board.sums] == SUMS
    assert board.activated.tolist() == AFTER_RELU
    assert board.pooled[0].tolist() == POOLED


def test_32_filters_give_2_by_2_by_32_and_the_second_layer_one_number() -> None:
    board = compute_blackboard()
    second = torch.from_numpy(board.second.weight)[None]
    own = functional.conv2d(torch.from_numpy(board.pooled)[None], second) + board.second.bias

    assert board.pooled.shape == (32, 2, 2)
    assert board.second.products.size == 128
    assert board.second.value == own.item()


def test_the_page_shows_these_numbers() -> None:
    assert tables_of("1. ")[2] == as_text(SUMS)
    assert tables_of("2. ")[1] == as_text(AFTER_RELU)
    assert tables_of("3. ")[1] == as_text(POOLED)
    assert len(tables_of("4. ")) == 32
    assert "0 \u00d7 1 + 1 \u00d7 2 + 4 \u00d7 3 + 0 \u00d7 (\u22121)" in blackboard_page(
        compute_blackboard()
    )


def test_the_positions_that_pooling_keeps_are_marked() -> None:
    page = blackboard_page(compute_blackboard())

    assert re.findall(r'<td class="best ">(\d+)</td>', page) == ["14", "15", "6", "13"]


def test_the_page_explains_nonlinearity_pooling_and_the_last_number() -> None:
    page = blackboard_page(compute_blackboard())

    assert "two convolutions in a row would be no more than one" in page
    assert "covers more of the picture" in page
    assert "34 means nothing" in page


def test_all_numbers_are_integers() -> None:
    board = compute_blackboard()

    assert np.array_equal(board.pooled, np.rint(board.pooled))
    assert board.second.value == round(board.second.value)
