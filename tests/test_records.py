"""Records as plain values and back."""

from typing import cast

import numpy as np
import pytest

from diascope.records import pack_record, unpack_record
from diascope.sample import Failed, Item, Overview, Prediction, Region, Regions, Skipped


def test_numpy_numbers_are_read_back_as_plain_ones_of_the_same_value() -> None:
    mask = np.eye(5, 7, dtype=np.bool_)
    whole = Prediction(
        Item("a", "/a"),
        {"dark": 0.25, "bright": 0.75},
        "softmax",
        ("bright",),
        samples=cast("int", np.int64(2)),
        attention=cast("float", np.float32(0.5)),
        region=Region(*np.array([1, 2, 3, 4])),
        overview=Overview(
            np.zeros((5, 7, 3), np.uint8), mask, tuple(np.array([50, 70])), None, {"n": np.int64(9)}
        ),
        regions=Regions(np.array([[1, 2, 3, 4]]), np.array([[0.25, 0.75]])),
    )
    back = unpack_record(whole.item, pack_record(whole))
    assert isinstance(back, Prediction)
    assert (back.samples, back.attention, back.region) == (2, 0.5, Region(1, 2, 3, 4))
    assert back.overview is not None
    assert (back.overview.size, back.overview.counts) == ((50, 70), {"n": 9})
    assert back.regions is not None
    assert back.regions.boxes.tolist() == [[1, 2, 3, 4]]
    assert back.regions.scores.tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize("weights", [None, [0.25, 0.0, 0.75]])
def test_weights_of_regions_are_read_back_beside_their_scores(weights: list[float] | None) -> None:
    scores = np.array([[0.25, 0.75], [0.5, 0.5], [1, 0]], np.float32)
    attention = None if weights is None else np.array(weights, np.float32)
    regions = Regions(np.arange(12, dtype=np.int32).reshape(3, 4), scores, attention)
    item = Item("a", "/a")
    answer = Prediction(item, {"a": 0.5, "b": 0.5}, "softmax", (), regions=regions)
    back = unpack_record(item, pack_record(answer))
    assert isinstance(back, Prediction)
    assert back.regions is not None
    assert back.regions.boxes.tolist() == regions.boxes.tolist()
    assert back.regions.scores.tolist() == scores.tolist()
    told = back.regions.attention
    assert (None if told is None else told.tolist()) == weights


@pytest.mark.parametrize(
    ("quoted", "told"),
    [("no caf\udce9.lut", r"no caf\xe9.lut"), ("half \ud83d of \xe9", r"half \ud83d of é")],
)
def test_bytes_that_are_not_utf8_are_escaped_in_texts(quoted: str, told: str) -> None:
    item = Item("a", "/a")
    for record in (Failed(item, "read", "image", quoted), Skipped(item, quoted)):
        assert unpack_record(item, pack_record(record)).reason == told
    answer = Prediction(item, {"a": 1.0}, "softmax", ("a",), trace=(quoted,), warnings=(quoted,))
    back = unpack_record(item, pack_record(answer))
    assert (*back.trace, *back.warnings) == (told, told)
