"""The pictures that activate a target most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from diascope.explain.targets import Response

KEPT = 6
"""How many pictures are kept for each target."""


@dataclass(frozen=True, eq=False)
class ActivatingPicture:
    """A picture and how strongly a target responds to it.

    Attributes:
        labels: the labels in the table; empty if it has none.
        pixels: ``(H, W, C)``, after the last preprocessing step.
    """

    name: str
    labels: tuple[str, ...]
    pixels: NDArray[Any]
    response: Response


@dataclass(frozen=True, eq=False)
class TopActivating:
    """The pictures of a table that activate each target most.

    Attributes:
        rows: the number of rows in the table.
        strongest: target name to its pictures, the strongest response first.
        left_out: reason to the number of pictures that could not be used for it.
        searched: the number of pictures that were compared.
        seconds: how long the search took.
    """

    rows: int
    strongest: Mapping[str, Sequence[ActivatingPicture]]
    left_out: Mapping[str, int]
    searched: int
    seconds: float


def keep_strongest(
    best: Sequence[ActivatingPicture], new: ActivatingPicture
) -> list[ActivatingPicture]:
    """Return the strongest of the best pictures so far and a new one, each picture once.

    A table with one row for each finding names a picture several times.
    """
    if any(each.name == new.name for each in best):
        return list(best)
    return sorted([*best, new], key=lambda each: -each.response.strength)[:KEPT]
