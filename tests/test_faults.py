"""What is wrong with what a plugin returned."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from diascope.card import ModelCard
from diascope.faults import answer_fault, sample_fault
from diascope.sample import Evidence, Item, Prediction, Sample

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
        ({"range": (255, 0)}, "low < high, got (255, 0)"),
        ({"range": (0, float("nan"))}, "low < high, got (0, nan)"),
        ({"range": None}, "low < high, got None"),
        ({"spacing_mm": 0.5}, "a tuple (row, column) above 0 or None, got 0.5"),
        ({"spacing_mm": (0.5, 0)}, "a tuple (row, column) above 0 or None, got (0.5, 0)"),
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


ANSWER = Prediction(
    Item("a", "a"),
    {"dark": 0.3, "bright": 0.7},
    "softmax",
    ("bright",),
    evidence=(Evidence("bright", np.zeros((2, 2), np.float32), 1, 0),),
    preview=np.zeros((4, 4, 3), np.uint8),
    prediction_set=("dark", "bright"),
)
MAP = np.zeros((2, 2), np.float32)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"score_kind": "logit"},
        {"predicted": (), "evidence": (), "preview": None, "prediction_set": None},
    ],
)
def test_an_answer_that_its_card_allows_has_no_fault(
    make_card: Callable[..., ModelCard], fields: dict[str, Any]
) -> None:
    assert answer_fault(replace(ANSWER, **fields), make_card()) == ""


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"scores": {"bright": 0.7, "dark": 0.3}}, "expected scores of ('dark', 'bright')"),
        ({"score_kind": "probability"}, "the card's kind, softmax, got 'probability'"),
        ({"score_kind": "odds"}, "the card's kind, softmax, got 'odds'"),
        ({"predicted": "bright"}, "predicted, a tuple of the card's labels, got 'bright'"),
        ({"predicted": ("grey",)}, "predicted, a tuple of the card's labels, got ('grey',)"),
        ({"predicted": None}, "predicted, a tuple of the card's labels, got None"),
        ({"prediction_set": ("grey",)}, "prediction_set, a tuple of the card's labels"),
        ({"warnings": "unsure"}, "warnings, a tuple of texts, got 'unsure'"),
        ({"trace": ("read", 3)}, "trace, a tuple of texts, got ('read', 3)"),
        ({"preview": np.zeros((4, 4), np.uint8)}, "preview (h, w, 3) of uint8, got uint8 (4, 4)"),
        ({"evidence": (Evidence("grey", MAP, 1, 0),)}, "got 'grey' with the shape (2, 2)"),
        ({"evidence": (Evidence("dark", MAP[0], 1, 0),)}, "got 'dark' with the shape (2,)"),
    ],
)
def test_each_part_of_an_answer_that_its_card_does_not_allow_is_named(
    make_card: Callable[..., ModelCard], fields: dict[str, Any], fault: str
) -> None:
    assert fault in answer_fault(replace(ANSWER, **fields), make_card())
