"""An item as it was found."""

from dataclasses import dataclass

from diascope.sample import Failed, Item, Skipped


@dataclass(frozen=True, slots=True)
class Found:
    """An item, a stamp that changes when its content does, and its end if it has one already."""

    item: Item
    stamp: str
    end: Skipped | Failed | None = None
