"""How many threads a network gets."""

import pytest

from diascope.cores import cores, threads


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("3", 3), ("7,1", 7), (" 4 ", 4), ("", None), ("0", None), ("-1", None), ("abc", None)],
)
def test_threads_are_those_of_the_outermost_level_else_one_a_core(
    monkeypatch: pytest.MonkeyPatch, value: str, wanted: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert threads() == (wanted or cores())
