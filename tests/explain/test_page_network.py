"""The texts about depths on the page."""

import pytest

from diascope.explain.feature_maps import Depth
from diascope.explain.page_network import depth_view


@pytest.mark.parametrize(
    ("halvings", "picture", "cells", "title", "covered"),
    [
        (1, (48, 96), (24, 48), "1/2 of the picture's side: 48 x 24 cells", "2 x 2 pixels"),
        (2, (90, 90), (30, 30), "About 1/4 of the picture's side: 30 x 30 cells", "3 x 3 pixels"),
        (0, (16, 8), (20, 10), "About the picture's size: 10 x 20 cells", "0.8 x 0.8 pixels"),
    ],
)
def test_the_title_of_a_depth_gives_the_scale_of_its_maps(
    halvings: int, picture: tuple[int, int], cells: tuple[int, int], title: str, covered: str
) -> None:
    shown = depth_view(Depth(halvings, cells, 1, ()), picture)
    assert shown["title"] == title
    assert shown["text"].startswith(f"1 channel; evenly divided, a cell covers {covered} of the ")
