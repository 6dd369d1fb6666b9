"""The texts about cells, and the table of layers as the pages show it."""

from collections.abc import Callable

import pytest
from torch import nn

from diascope.card import ModelCard
from diascope.explain.call_trace import trace_calls
from diascope.explain.layer_table import tabulate_layers, tabulate_network
from diascope.explain.page_layers import cells_text, layer_table_view, stretch_note
from diascope.explain.receptive_field import CellGrid
from diascope.network import Network, build_head
from tests.explain.networks import make_batch, make_network

EVEN = CellGrid((2, 2), (6, 6), (0.5, 0.5))
LENET = CellGrid((4, 4), (16, 16), (7.5, 7.5))
OBLONG = CellGrid((2, 4), (6, 10), (0.0, 1.5))


@pytest.mark.parametrize(
    ("grid", "cells", "size", "told"),
    [
        (
            EVEN,
            (16, 16),
            (32, 32),
            "a cell covers 2 x 2 pixels of the picture and depends on 6 x 6",
        ),
        (
            LENET,
            (5, 5),
            (32, 32),
            "cells lie 4 pixels apart, the first centred at 7.5 (the first pixel is 0); each "
            "depends on 16 x 16 pixels of the picture",
        ),
        (
            CellGrid((1, 1), (5, 5), (2.0, 2.0)),
            (28, 28),
            (32, 32),
            "cells lie 1 pixel apart, the first centred at 2 (the first pixel is 0); each depends "
            "on 5 x 5 pixels of the picture",
        ),
        (
            OBLONG,
            (16, 8),
            (32, 32),
            "cells lie 4 x 2 pixels apart, the first centred at row 0, column 1.5 (the first pixel "
            "is 0); each depends on 10 x 6 pixels of the picture",
        ),
        (
            None,
            (16, 8),
            (32, 32),
            "evenly divided, a cell covers 4 x 2 pixels of the picture; it also depends on pixels "
            "around them",
        ),
    ],
)
def test_a_cell_is_described_by_what_is_known_of_it(
    grid: CellGrid | None, cells: tuple[int, int], size: tuple[int, int], told: str
) -> None:
    assert cells_text(grid, cells, size) == told


def test_a_map_that_is_drawn_stretched_has_a_note() -> None:
    assert stretch_note(LENET, (5, 5), (32, 32)) == (
        "Cells lie 4 pixels apart, the first centred at 7.5 (the first pixel is 0); the map is "
        "drawn stretched over the whole picture."
    )
    assert stretch_note(EVEN, (16, 16), (32, 32)) == stretch_note(None, (5, 5), (32, 32)) == ""


def test_the_table_ends_with_the_head_and_all_weights(make_card: Callable[..., ModelCard]) -> None:
    network = make_network()
    table = tabulate_layers(network, trace_calls(network.backbone, make_batch()))
    shown = layer_table_view(table, make_card())
    texts = [(row["name"], row["output"], row["step"]) for row in shown["rows"]]

    assert texts[0] == ("1 conv", "8 maps of 64 x 64", "1")
    assert texts[-1] == ("head", "2 logits", "")
    assert shown["weights"] == f"{sum(each.numel() for each in network.parameters()):,}"
    assert "An instance norm also uses" in shown["note"]


def test_the_stages_of_a_network_with_branches_say_why_they_are_stages(
    make_card: Callable[..., ModelCard],
) -> None:
    network = make_network("resnet18")
    table = tabulate_layers(network, trace_calls(network.backbone, make_batch()))
    shown = layer_table_view(table, make_card())

    assert shown["unit"] == "stage"
    assert [row["field"] for row in shown["rows"]] == ["7 x 7", "", "", "", "", ""]
    assert "Branches" in shown["note"]


def test_receptive_fields_of_which_none_is_known_take_no_columns(
    make_card: Callable[..., ModelCard],
) -> None:
    layers = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 3))
    network = Network(layers, build_head("linear", 2, 2)).eval()
    table = layer_table_view(tabulate_network(network, 3, (8, 8)), make_card())

    assert table["fields"] is False
    assert "receptive field of a cell" not in table["note"]
