"""Which of many pictures excite a target most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from diascope.explain.targets import Response

KEPT = 6
"""Pictures for each target."""


@dataclass(frozen=True, eq=False)
class Excited:
    """One picture, and how strongly a target fires on it.

    Attributes:
        labels: as the table names them; empty if it does not.
        pixels: ``(H, W, C)``, after the last preprocessing step.
    """

    name: str
    labels: tuple[str, ...]
    pixels: NDArray[Any]
    response: Response


@dataclass(frozen=True, eq=False)
class Gallery:
    """The pictures of a table that excite targets most.

    Attributes:
        rows: how many the table has.
        strongest: of each target, by its name; the strongest first.
        left_out: reason to how many pictures could not be used.
        looked: pictures that were looked at; the others of the table were not drawn.
        seconds: how long that took.
    """

    rows: int
    strongest: Mapping[str, Sequence[Excited]]
    left_out: Mapping[str, int]
    looked: int
    seconds: float


def kept(best: Sequence[Excited], new: Excited) -> list[Excited]:
    """Return the strongest of some pictures and a new one, each picture once.

    Tables of findings have a row for each, and so several for a picture.
    """
    if any(each.name == new.name for each in best):
        return list(best)
    return sorted([*best, new], key=lambda each: -each.response.strength)[:KEPT]
