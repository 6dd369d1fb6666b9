"""Values that may be of several classes: which class an error speaks of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest

from tests.test_fields import refusal


@dataclass
class Named:
    name: str
    unknown_keys: ClassVar = {"title": "The name is the title."}


def test_a_class_says_what_to_write_instead_of_a_key_that_people_expect() -> None:
    assert refusal("title: a", Named).hint == "The name is the title. Allowed: name."
    assert refusal("names: a", Named).hint == "Did you mean 'name'? Allowed: name."


@dataclass
class Near:
    near: float

    def __post_init__(self) -> None:
        if self.near < 0:
            raise ValueError(f"near must be at least 0, got {self.near}")


@dataclass
class Far:
    far: int


EITHER = "what must be none or keys of near or keys of far"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{near: abc}", "what: near must be a number, got 'abc'"),
        ("{near: -1}", "what: near must be at least 0, got -1.0"),
        ("{near: 1, far: 2}", f"{EITHER}, got {{'near': 1, 'far': 2}}"),
        ("{naer: 1}", f"{EITHER}, got {{'naer': 1}}"),
    ],
)
def test_in_a_union_of_classes_the_class_whose_keys_match_is_reported(
    written: str, told: str
) -> None:
    class Takes:
        def __init__(self, what: Literal["none"] | Near | Far) -> None: ...

    assert refusal(f"what: {written}", Takes).message == told


@pytest.mark.parametrize(
    ("hint", "written", "place"),
    [
        (Near, "{near: 1, naer: 2}", "what"),
        (Literal["none"] | Near, "{near: 1, naer: 2}", "what"),
        (tuple[Near, ...], "[{near: 1, naer: 2}]", "entry 1 of what"),
        (list[Near] | None, "[{near: 1}, {near: 1, naer: 2}]", "entry 2 of what"),
        (Sequence[Near], "[{near: 1}, {near: 1, naer: 2}]", "entry 2 of what"),
        (tuple[Far, Near], "[{far: 1}, {near: 1, naer: 2}]", "entry 2 of what"),
        (Mapping[str, Near], "{a: {near: 1, naer: 2}}", "what, a"),
        (dict[str, Near], "{a: {near: 1, naer: 2}}", "what, a"),
    ],
)
def test_a_key_that_a_class_lacks_is_refused_wherever_the_class_stands(
    hint: Any, written: str, place: str
) -> None:
    class Takes:
        def __init__(self, what: hint) -> None: ...

    error = refusal(f"\nwhat: {written}", Takes)
    assert (error.message, error.where) == (f"{place}: unknown key 'naer'", "r.yaml:2")


@dataclass
class NearAgain(Near):
    pass


def test_what_a_class_says_is_told_even_if_another_class_has_the_same_keys() -> None:
    class Takes:
        def __init__(self, what: Near | NearAgain) -> None: ...

    assert refusal("what: {near: -1}", Takes).message.endswith(
        "(near must be at least 0, got -1.0)"
    )
