"""What a Sample keeps when its pixels change."""

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.errors import ReadError
from diascope.fingerprints import content_digest
from diascope.inputs import find_items
from diascope.ledger import Ledger
from diascope.sample import Item, Prediction, Sample


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32])
def test_black_and_white_keep_their_values_when_a_picture_is_repainted(dtype: Any) -> None:
    whole = np.issubdtype(dtype, np.integer)
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if whole else (0, 1)
    pixels = np.array([[[low], [high]]], dtype)
    sample = Sample(Item("a", "/a"), pixels, range=(float(low), float(high)))
    painted = sample.repainted(sample.unit(), "repainted as it was")
    np.testing.assert_array_equal(painted.pixels, pixels)
    assert (painted.pixels.dtype, painted.range) == (pixels.dtype, sample.range)


def test_a_pipe_is_refused_without_opening_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    item = Item("a.png", str(tmp_path / "a.png"))
    kept = os.open(tmp_path / "a.png", os.O_RDWR)  # whoever opens it all the same does not hang
    with pytest.raises(ReadError, match="not a regular file"):
        item.open()
    os.close(kept)
    assert content_digest(item) == ""


def test_a_file_that_changed_since_it_was_classified_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    with closing(Ledger(tmp_path / "ledger.sqlite", "run")) as ledger:
        ledger.add_items(find_items([str(path)]), retry=False)
        ((item,),) = ledger.pending_chunks(1)
        ledger.record([(Prediction(item, {"a": 1.0}, "softmax", ("a",)), "")])
        (record,) = ledger.records()
    assert record.item == item
    with record.item.open() as file:
        assert file.read() == b"one"
    path.write_bytes(b"another")
    with pytest.raises(OSError, match="has changed since it was found"):
        record.item.open()
