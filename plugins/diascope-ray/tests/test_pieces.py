"""Chunks that kill processes are halved until the item is found; the others share a batch again."""

from collections.abc import Callable

import pytest

from diascope.sample import Failed, Item, Prediction, Record
from diascope_ray.pieces import TRIES, Chunk, Piece

ITEMS = tuple(Item(name, f"/{name}") for name in "abcdefg")


def carried_out(chunk: Chunk, kills: Callable[[set[str]], bool]) -> tuple[list[str], list[Record]]:
    """Process a chunk; return what was read in each call, and the records."""
    calls = []
    waiting: list[Piece] = [chunk.start()]
    while waiting:
        piece = waiting.pop(0)
        read = [item.id for item in piece.items if item not in piece.lost]
        calls.append("".join(read))
        if kills(set(read)):
            waiting += chunk.note_death(piece, "why")
        else:
            known = [piece.lost.get(item) or answer(item) for item in piece.items]
            waiting += chunk.add_records(piece, known)
    assert chunk.records is not None
    return calls, chunk.records


def answer(item: Item) -> Record:
    return Prediction(item, {"a": 1.0}, "softmax", ("a",))


def failed(records: list[Record]) -> str:
    return "".join(record.item.id for record in records if isinstance(record, Failed))


def test_a_harmless_chunk_is_processed_in_one_call() -> None:
    calls, records = carried_out(Chunk(ITEMS), lambda read: False)

    assert calls == ["abcdefg"]
    assert [record.item for record in records] == list(ITEMS)


def test_a_chunk_that_kills_less_often_than_three_times_stays_whole() -> None:
    deaths = iter([True] * (TRIES - 1))

    calls, records = carried_out(Chunk(ITEMS), lambda read: next(deaths, False))

    assert calls == ["abcdefg"] * TRIES
    assert not failed(records)


def test_the_one_deadly_item_fails_and_the_others_are_processed_together() -> None:
    calls, records = carried_out(Chunk(ITEMS), lambda read: "e" in read)

    assert calls == ["abcdefg"] * TRIES + ["abc", "defg", "de", "fg", "d", "e", "abcdfg"]
    assert failed(records) == "e"
    assert [record.item for record in records] == list(ITEMS)


@pytest.mark.parametrize("deadly", ["a", "ag", "abcdefg"])
def test_every_deadly_item_fails_and_no_other(deadly: str) -> None:
    _, records = carried_out(Chunk(ITEMS), lambda read: bool(read & set(deadly)))

    assert failed(records) == deadly


def test_items_that_kill_only_together_are_processed_separately() -> None:
    calls, records = carried_out(Chunk(ITEMS), lambda read: len(read) > 4)

    assert calls[-2:] == ["abc", "defg"]
    assert not failed(records)


def test_the_reason_says_that_the_process_was_killed_and_why() -> None:
    _, (record,) = carried_out(Chunk(ITEMS[:1]), lambda read: True)

    assert isinstance(record, Failed)
    assert record.reason.startswith("the worker process that read it was killed")
    assert record.reason.endswith("why")
