"""Limits of a class's values are checked and described."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt, Predicate
from pydantic import Field

from diascope.parameters import parameters
from diascope.type_text import describe_type
from tests.test_fields import checked, refusal


def is_even(number: int) -> bool:
    return number % 2 == 0


@dataclass
class Limited:
    count: Annotated[int, Field(gt=0)] = 1
    share: Annotated[float, Interval(gt=0, lt=1)] | None = None
    sides: tuple[Annotated[int, Ge(1)], ...] = ()
    least: Annotated[int, Gt(0)] | Literal["all"] = "all"
    even: Annotated[int, Predicate(is_even)] = 2
    plain: int = 1
    told: Annotated[Literal["a", "b"], {"which": "letter"}] = "a"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("count: 0", "count must be a whole number above 0, got 0"),
        ("share: 1", "share must be a number above 0 and below 1 or nothing, got 1"),
        ("sides: [1, 0]", "entry 2 of sides must be a whole number of at least 1, got 0"),
        ("least: 0", "least must be a whole number above 0 or all, got 0"),
        ("even: 3", "even must be a whole number, got 3 (Predicate is_even failed)"),
        ("count: x", "count must be a whole number above 0, got 'x'"),
        ("plain: 1.5", "plain must be a whole number, got 1.5"),
        ("told: c", "told must be a or b, got 'c'"),
    ],
)
def test_the_limits_of_annotated_are_checked(text: str, told: str) -> None:
    error = refusal(text, Limited)
    message = error.message.replace("'is_even'", "is_even")  # pydantic quotes it since 2.12
    assert (error.where, message) == ("r.yaml:1", told)


def test_what_lies_within_the_limits_of_annotated_passes() -> None:
    text = "count: 3\nshare: 0.5\nsides: [1, 2]\nleast: 2\ntold: b"
    expected = {"count": 3, "share": 0.5, "sides": (1, 2), "least": 2, "told": "b"}
    assert checked(text, Limited) == expected
    assert parameters(Limited)["count"].type_name == "a whole number above 0"


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[float, Interval(ge=0, le=1)], "a number from 0 to 1"),
        (Annotated[int, Field(ge=1, le=1024)], "a whole number from 1 to 1,024"),
        (Annotated[float, Interval(gt=0, le=1)], "a number above 0 and at most 1"),
        (Annotated[float, Interval(ge=0, lt=1)], "a number of at least 0 and below 1"),
        (Annotated[float, Gt(0), Lt(math.inf)], "a finite number above 0"),
        (Annotated[float, Le(1)], "a number of at most 1"),
        (dict[str, tuple[Annotated[int, Ge(1)], int]], "keys, each with [%s of at least 1, %s]"),
        (Annotated[Literal["a", "b"], {"which": "letter"}], "a or b"),
    ],
)
def test_limits_are_described_in_words(hint: Any, words: str) -> None:
    assert describe_type(hint) == words.replace("%s", "a whole number")
