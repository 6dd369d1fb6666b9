"""Figures are not drawn in these tests, unless they are marked ``figures``."""

import pytest


@pytest.fixture(autouse=True)
def undrawn(request: pytest.FixtureRequest) -> None:
    """Save drawing, which takes most of the time of a small training or evaluation."""
    if request.node.get_closest_marker("figures") is None:
        request.getfixturevalue("blank_figures")
