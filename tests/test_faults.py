"""What is wrong with what a plugin returned."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from diascope.faults import sample_fault
from diascope.sample import Item, Sample

PIXELS = np.zeros((4, 6, 3), np.uint8)
SOUND = Sample(
    Item("a", "a"), PIXELS, spacing_mm=(0.5, 0.25), trace=("read",), facts={"view": "PA"}
)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"pixels": PIXELS[..., :1]},
        {"pixels": PIXELS.astype(np.float16), "range": (0, 1)},
        {"pixels": PIXELS.astype(np.int32), "range": (np.float32(-1024), np.float32(3071))},
        {"spacing_mm": None, "trace": (), "facts": {}},
    ],
)
def test_a_sample_that_keeps_its_contract_has_no_fault(fields: dict[str, Any]) -> None:
    assert sample_fault(replace(SOUND, **fields)) == ""


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"pixels": torch.zeros(4, 6, 3)}, "pixels as a NumPy array, got Tensor"),
        ({"pixels": PIXELS.tolist()}, "pixels as a NumPy array, got list"),
        ({"pixels": PIXELS[..., 0]}, "pixels (H, W, C), where C is 1 or 3, got the shape (4, 6)"),
        ({"pixels": np.zeros((4, 6, 5))}, "where C is 1 or 3, got the shape (4, 6, 5)"),
        ({"pixels": PIXELS.astype(complex)}, "real numbers, got the dtype complex128"),
        ({"pixels": PIXELS.astype(object)}, "real numbers, got the dtype object"),
        ({"pixels": PIXELS > 0}, "real numbers, got the dtype bool"),
        ({"range": (255, 0)}, "black below white, got (255, 0)"),
        ({"range": (0, float("nan"))}, "black below white, got (0, nan)"),
        ({"range": None}, "black below white, got None"),
        ({"spacing_mm": 0.5}, "spacing_mm (row, column) above 0, or None, got 0.5"),
        ({"spacing_mm": (0.5, 0)}, "spacing_mm (row, column) above 0, or None, got (0.5, 0)"),
        ({"trace": ("read", 3)}, "a trace that is a tuple of texts"),
        ({"trace": "read"}, "a trace that is a tuple of texts"),
        ({"facts": None}, "facts that map text to text, got NoneType"),
        ({"facts": {"view": None}}, "facts that map text to text, got NoneType as 'view'"),
    ],
)
def test_each_field_that_breaks_the_contract_is_named(fields: dict[str, Any], fault: str) -> None:
    assert fault in sample_fault(replace(SOUND, **fields))


def test_a_fault_quotes_nothing_of_what_a_file_says_of_itself() -> None:
    assert "Doe" not in sample_fault(replace(SOUND, facts={"view": ["Doe^Jane"]}))
