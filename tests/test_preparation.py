"""Reading and preprocessing one item."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diascope.acceptance import AcceptanceRule
from diascope.errors import ReadError, reason_of
from diascope.plugins import Plugin
from diascope.preparation import Part, Preparation
from diascope.sample import Failed, Item, Overview, Region, Sample, Skipped

Make = Callable[..., Item]


@dataclass(frozen=True)
class Words:
    """Reads a text file: a number is a frame of that brightness, any other word an exception."""

    sure: int = 50

    def sniff(self, path: str, head: bytes) -> int:
        if head.startswith(b"!"):
            raise RuntimeError("sniffed too hard")
        return self.sure

    def read(self, item: Item) -> Iterator[Sample]:
        with item.open() as file:
            words = file.read().decode().split()
        for frame, word in enumerate(words):
            if word == "torn":
                raise ReadError("the page is torn", hint="glue it")
            yield Sample(item, np.full((2, 2, 1), int(word), np.uint8), frame=frame)


@dataclass(frozen=True)
class Gives:
    """A step that returns whatever it was given, or fails on a black frame."""

    result: Any = None

    def __call__(self, sample: Sample) -> Any:
        if sample.pixels.max() == 0:
            raise ZeroDivisionError("division by zero")
        return self.result or sample.changed(sample.pixels + 1, "one added")


class WordlessError(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise TypeError("no text")


def part(instance: Any, name: str = "", kind: str = "reader") -> Part[Any]:
    return Part(Plugin(kind, name or type(instance).__name__.lower(), "fake", "1", ""), instance)


def prepare(item: Item, *steps: Any, readers: tuple[Any, ...] = (Words(),), block: int = 2) -> Any:
    parts = tuple(part(reader, f"r{i}") for i, reader in enumerate(readers))
    return list(Preparation(parts, tuple(map(part, steps)), block).prepare(item))


def test_frames_come_in_blocks_and_in_order(make_item: Make) -> None:
    blocks = prepare(make_item(b"1 2 3 4 5"))

    assert [[sample.frame for sample in block] for block in blocks] == [[0, 1], [2, 3], [4]]


def test_steps_run_in_the_order_of_the_recipe(make_item: Make) -> None:
    ((sample,),) = prepare(make_item(b"5"), Gives(), Gives())

    assert sample.pixels.max() == 7
    assert sample.trace == ("one added", "one added")


def test_reading_is_lazy(make_item: Make) -> None:
    stream = Preparation((part(Words()),), (), 1).prepare(make_item(b"1 torn"))

    assert next(stream)[0].pixels.max() == 1


def test_the_most_certain_reader_is_used(make_item: Make) -> None:
    readers = (Words(10), Words(60), Words(30))
    (failed,) = prepare(make_item(b"torn"), readers=readers)

    assert failed.plugin == "r1"


def test_an_item_that_no_reader_knows_is_skipped(make_item: Make) -> None:
    (skipped,) = prepare(make_item(b"5"), readers=(Words(0), Words(0)))

    assert isinstance(skipped, Skipped)
    assert "(r0, r1)" in skipped.reason


def test_an_empty_file_is_skipped(make_item: Make) -> None:
    item = make_item(b"")

    assert prepare(item) == [Skipped(item, "the file is empty")]


def test_a_missing_file_fails_with_a_plain_reason() -> None:
    (failed,) = prepare(Item("gone", "/no/such/file"))

    assert (failed.stage, failed.reason) == (
        "read",
        "it cannot be opened: No such file or directory",
    )


def test_a_read_error_ends_the_item_after_the_frames_before_it(make_item: Make) -> None:
    item = make_item(b"1 2 torn 3")
    block, failed = prepare(item)

    assert [sample.frame for sample in block] == [0, 1]
    assert failed == Failed(item, "read", "r0", "the page is torn. glue it")


def test_an_unexpected_error_of_a_reader_names_its_kind(make_item: Make) -> None:
    (failed,) = prepare(make_item(b"x"))

    assert (failed.stage, failed.plugin) == ("read", "r0")
    assert failed.reason.startswith("ValueError: invalid literal")


def test_a_reader_that_fails_to_sniff_is_named(make_item: Make) -> None:
    (failed,) = prepare(make_item(b"!"))

    assert (failed.plugin, failed.reason) == ("r0", "sniff: RuntimeError: sniffed too hard")


def test_a_reader_that_finds_nothing_ends_the_item_as_failed(make_item: Make) -> None:
    (failed,) = prepare(make_item(b" "))

    assert (failed.stage, "no picture" in failed.reason) == ("read", True)


def test_an_error_of_a_step_ends_the_item_and_names_the_step(make_item: Make) -> None:
    item = make_item(b"0 1")

    assert prepare(item, Gives()) == [
        Failed(item, "preprocess", "gives", "ZeroDivisionError: division by zero")
    ]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("text", "expected a Sample, got str"),
        (Sample(Item("a", "a"), np.ones((4, 4))), "expected pixels (H, W, C)"),
        (Sample(Item("a", "a"), np.ones((0, 4, 3))), "expected pixels (H, W, C)"),
    ],
)
def test_a_step_that_returns_something_else_is_named(
    make_item: Make, result: Any, reason: str
) -> None:
    (failed,) = prepare(make_item(b"5"), Gives(result))

    assert (failed.stage, failed.plugin) == ("preprocess", "gives")
    assert reason in failed.reason


def test_a_step_that_creates_a_new_sample_keeps_item_frame_and_facts(make_item: Make) -> None:
    whole = Overview(np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), bool), (40, 60))
    told: dict[str, Any] = {"facts": {"burned_in": "YES"}, "frame": 3, "overview": whole}

    class Slide(Words):
        def read(self, item: Item) -> Iterator[Sample]:
            yield Sample(item, np.ones((2, 2, 1), np.uint8), region=Region(4, 8, 2, 2), **told)

    def anew(sample: Sample) -> Sample:
        assert sample.facts, "a step sees what the file says, whatever the steps before it did"
        return Sample(Item("other", "other"), sample.pixels + 1, trace=("made anew",))

    item = make_item(b"1")
    ((sample,),) = prepare(item, anew, anew, readers=(Slide(),))

    assert (sample.item, sample.region) == (item, Region(4, 8, 2, 2))
    assert {name: getattr(sample, name) for name in told} == told
    assert (sample.pixels.max(), sample.trace) == (3, ("made anew",))


def test_a_preparation_can_be_pickled(make_item: Make) -> None:
    travelled = pickle.loads(pickle.dumps(Preparation((part(Words()),), (part(Gives()),), 1)))
    ((sample,),) = travelled.prepare(make_item(b"5"))

    assert sample.pixels.max() == 6


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ReadError("torn"), "torn"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (KeyError("a\n b"), "KeyError: 'a\\n b'"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (MemoryError(), "MemoryError"),
        (WordlessError(), "WordlessError"),
    ],
)
def test_a_reason_is_one_plain_line(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_picture_that_is_not_accepted_is_skipped_before_any_step(make_item: Make) -> None:
    class Scan(Words):
        def read(self, item: Item) -> Iterator[Sample]:
            yield Sample(item, np.zeros((2, 2, 1), np.uint8), facts={"modality": "MR"})

    def never(sample: Sample) -> Sample:
        raise AssertionError("no step sees what the gate keeps out")

    gate = AcceptanceRule({"modality": ("CR",)})
    preparation = Preparation((part(Scan()),), (part(never),), block=2, acceptance=gate)
    (outcome,) = preparation.prepare(make_item(b"1"))

    assert isinstance(outcome, Skipped)
    assert outcome.reason == "modality is MR; the recipe is for CR"


def test_a_fact_that_is_not_a_text_fails_the_item_and_names_the_reader(make_item: Make) -> None:
    class Scan(Words):
        def read(self, item: Item) -> Iterator[Sample]:
            facts: Any = {"modality": "MR", "view": None}
            yield Sample(item, np.zeros((2, 2, 1), np.uint8), facts=facts)

    item = make_item(b"1")
    preparation = Preparation(
        (part(Scan()),), (), block=2, acceptance=AcceptanceRule({"view": ("PA",)})
    )
    reason = "expected facts that map text to text, got NoneType as 'view'"

    assert list(preparation.prepare(item)) == [Failed(item, "read", "scan", reason)]


def test_the_step_that_breaks_a_sample_is_named_and_not_the_one_after_it(make_item: Make) -> None:
    def broken(sample: Sample) -> Sample:
        spacing: Any = 0.5
        return Sample(sample.item, sample.pixels, spacing_mm=spacing)

    (failed,) = prepare(make_item(b"5"), broken, Gives())

    assert (failed.stage, failed.plugin) == ("preprocess", "function")
    assert "spacing_mm" in failed.reason


@pytest.mark.parametrize("raised", [SystemExit, BaseException])  # as what fails in Rust is
def test_a_step_that_raises_a_base_exception_fails_the_item(
    make_item: Make, raised: type[BaseException]
) -> None:
    def leave(sample: Sample) -> Sample:
        raise raised("enough")

    item, reason = make_item(b"5"), f"{raised.__name__}: enough"

    assert prepare(item, leave) == [Failed(item, "preprocess", "function", reason)]


def test_the_line_of_a_plugins_code_is_reported_without_its_folder(
    make_item: Make,
) -> None:
    def looks_up(sample: Sample) -> Sample:
        return {}["lut"]  # type: ignore[no-any-return]

    def refuses(sample: Sample) -> Sample:
        raise ReadError("too dark")

    item, own = make_item(b"5"), Plugin("preprocessing", "own", "fake", "1", f"{__name__}:Gives")
    line = looks_up.__code__.co_firstlineno + 1
    reasons: list[str] = [
        next(Preparation((part(Words()),), (Part(own, step),), 1).prepare(item)).reason
        for step in (looks_up, refuses)
    ]

    assert reasons == [f"KeyError: 'lut' (test_preparation.py:{line})", "too dark"]
