"""Checks of the values that plugins return."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from diascope.card import ModelCard
from diascope.contract_checks import answer_fault, backbone_fault, sample_fault
from diascope.sample import Evidence, Item, Overview, Prediction, Region, Regions, Sample

PIXELS = np.zeros((4, 6, 3), np.uint8)
SOUND = Sample(
    Item("a", "a"), PIXELS, spacing_mm=(0.5, 0.25), trace=("read",), facts={"view": "PA"}
)
WHOLE = Overview(PIXELS, PIXELS[..., 0] == 0, (40, 60), (0.1, 0.1), {"tiles": 9})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"pixels": PIXELS[..., :1]},
        {"pixels": PIXELS.astype(np.float16), "range": (0, 1)},
        {"pixels": PIXELS.astype(np.int32), "range": (np.float32(-1024), np.float32(3071))},
        {"spacing_mm": None, "trace": (), "facts": {}},
        {"region": Region(-3, 0, 8, 8), "overview": WHOLE},
        {"region": Region(*np.array([3, 0, 8, 8])), "overview": replace(WHOLE, spacing_mm=None)},
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
        ({"facts": {"View": "PA"}}, "got one named 'View'"),
        ({"region": (0, 0, 8, 8)}, "a Region or None, got (0, 0, 8, 8)"),
        ({"region": Region(0.5, 0, 8, 8)}, "a Region of whole numbers"),
        ({"region": Region(2**31, 0, 8, 8)}, "a Region of whole numbers"),
        ({"region": Region(0, 0, 8, 0)}, "as large as a pixel or more, got Region(x=0, y=0"),
        ({"overview": PIXELS}, "an Overview or None, got array("),
        (
            {"overview": replace(WHOLE, picture=PIXELS[..., 0])},
            "an overview's picture (h, w, 3) of uint8, got uint8 (4, 6)",
        ),
        (
            {"overview": replace(WHOLE, mask=WHOLE.mask[1:])},
            "an overview's mask of bool and (4, 6), got bool (3, 6)",
        ),
        ({"overview": replace(WHOLE, size=(0, 60))}, "a tuple (height, width), got (0, 60)"),
        ({"overview": replace(WHOLE, spacing_mm=(0, 1))}, "above 0 or None, got (0, 1)"),
        ({"overview": replace(WHOLE, counts={"tiles": 0.5})}, "whole numbers by name, got {'ti"),
    ],
)
def test_each_field_that_breaks_the_contract_is_named(fields: dict[str, Any], fault: str) -> None:
    assert fault in sample_fault(replace(SOUND, **fields))


def test_a_fault_does_not_quote_the_facts_of_a_file() -> None:
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
BOXES = np.array([[0, 0, 8, 8], [8, 0, 8, 8]], np.int32)
REGIONS = Regions(BOXES, np.full((2, 2), 0.5, np.float32))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"score_kind": "logit"},
        {"predicted": (), "evidence": (), "preview": None, "prediction_set": None},
        {"region": Region(0, 0, 8, 8), "overview": WHOLE, "regions": REGIONS},
        {"regions": Regions(BOXES[:0], REGIONS.scores[:0])},
        {"regions": replace(REGIONS, attention=np.array([0.25, 0.75], np.float32))},
        {"regions": Regions(BOXES[:0], REGIONS.scores[:0], MAP[0, :0])},
        {"samples": np.int64(2), "novelty": np.float32(0.5), "attention": np.float32(-1)},
        {"evidence": (replace(ANSWER.evidence[0], logit=torch.tensor(1.5), bias=np.float32(0)),)},
    ],
)
def test_a_prediction_that_matches_its_card_has_no_fault(
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
        ({"preview": np.zeros((0, 4, 3), np.uint8)}, "preview (h, w, 3) of uint8, got uint8 (0, 4"),
        ({"preview": [[[0, 0, 0]]]}, "preview (h, w, 3) of uint8, got list"),
        ({"evidence": (Evidence("grey", MAP, 1, 0),)}, "got 'grey' with float32 (2, 2)"),
        ({"evidence": (Evidence("dark", MAP[0], 1, 0),)}, "got 'dark' with float32 (2,)"),
        ({"evidence": (replace(ANSWER.evidence[0], logit=None),)}, "numbers, got (None, 0)"),
        ({"evidence": (replace(ANSWER.evidence[0], bias=10**400),)}, "logit and bias are numbers"),
        ({"samples": "2"}, "samples, a whole number from 1, got '2'"),
        ({"novelty": "high"}, "novelty, a number or None, got 'high'"),
        ({"attention": MAP}, "attention, a number or None, got array("),
        ({"region": "left"}, "a Region or None, got 'left'"),
        ({"overview": replace(WHOLE, size=60)}, "a tuple (height, width), got 60"),
        ({"regions": BOXES}, "Regions or None, got array("),
        ({"regions": replace(REGIONS, boxes=BOXES / 2)}, "of whole numbers, got float64 (2, 4)"),
        ({"regions": replace(REGIONS, scores=MAP[:1])}, "scores (2, 2), got float32 (1, 2)"),
        ({"regions": replace(REGIONS, scores=MAP * np.nan)}, "Regions with finite scores"),
        ({"regions": replace(REGIONS, attention=(0.5, 0.5))}, "attention (2,) or None, got tuple"),
        ({"regions": replace(REGIONS, attention=MAP)}, "or None, got float32 (2, 2)"),
        ({"regions": replace(REGIONS, attention=MAP[0])}, "weights from 0 whose sum is 1"),
        ({"regions": replace(REGIONS, attention=np.array([-1, 2]))}, "weights from 0 whose sum"),
        ({"regions": replace(REGIONS, attention=MAP[0] * np.nan)}, "weights from 0 whose sum"),
    ],
)
def test_each_field_of_a_prediction_that_does_not_match_its_card_is_named(
    make_card: Callable[..., ModelCard], fields: dict[str, Any], fault: str
) -> None:
    assert fault in answer_fault(replace(ANSWER, **fields), make_card())


def backbone(**fields: Any) -> SimpleNamespace:
    sound = {"in_channels": 3, "features": 8, "mean": (0.5, 0.5, 0.5), "std": (1, 1, 1)}
    return SimpleNamespace(**sound | fields)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({}, ""),
        ({"in_channels": 1, "mean": np.full(1, 0.5), "std": [1.0]}, ""),
        ({"features": 0}, "expected features, a whole number from 1, got 0"),
        ({"in_channels": None}, "expected in_channels, a whole number from 1, got None"),
        ({"mean": 0.5}, "expected mean, a number for each of 3 in_channels, got 0.5"),
        ({"std": (1, 1)}, "expected std, a number above 0 for each of 3 in_channels, got (1, 1)"),
        (
            {"std": (1, 1, 0)},
            "expected std, a number above 0 for each of 3 in_channels, got (1, 1, 0)",
        ),
        ({"mean": "abc"}, "expected mean, a number for each of 3 in_channels, got 'abc'"),
        (
            {"std": (1, 1, "1?")},
            "expected std, a number above 0 for each of 3 in_channels, got (1, 1, '1?')",
        ),
    ],
)
def test_the_attributes_of_a_backbone_are_checked(fields: dict[str, Any], fault: str) -> None:
    assert backbone_fault(backbone(**fields)) == fault
