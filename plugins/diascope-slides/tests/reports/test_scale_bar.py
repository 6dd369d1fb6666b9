"""The length of a scale bar."""

import pytest

from diascope_slides.reports.scale_bar import scale_bar


@pytest.mark.parametrize(
    ("width", "spacing", "pixels", "text"),
    [
        (2_220, 0.0005, 400, "200 \N{GREEK SMALL LETTER MU}m"),
        (100_000, 0.00025, 20_000, "5 mm"),
        (40, 0.0005, 10, "5 \N{GREEK SMALL LETTER MU}m"),
        (2_220, None, 500, "500 px"),
    ],
)
def test_a_bar_is_a_round_length_of_at_most_a_quarter(width, spacing, pixels, text) -> None:
    bar = scale_bar(width, spacing)

    assert bar.text == text
    assert bar.pixels == pytest.approx(pixels)
