"""What is still to be done of a chunk, and how the one item is found that kills its process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diascope.sample import Failed, Item, Record

TRIES = 3
"""Times that a whole chunk is tried before it is split."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What one process is to answer in one call: a whole chunk, or some of its items.

    Attributes:
        lost: items that kill whoever reads them; they are not to be read again.
    """

    chunk: "Chunk"
    items: tuple[Item, ...]
    lost: Mapping[Item, Failed]


@dataclass(eq=False)
class Chunk:
    """Some items that share the network's batches, until each has its record.

    A chunk that kills ``TRIES`` processes is halved, and what kills again is halved again, until
    an item is alone: it failed. Then the whole chunk is done again without it, so that the others
    share the batches that they would share on one machine, where a killed process costs one item.

    Attributes:
        items: in the order in which they go to the network.
    """

    items: tuple[Item, ...]
    _records: dict[Item, Record] = field(default_factory=dict)
    _lost: dict[Item, Failed] = field(default_factory=dict)
    _found: bool = False
    _deaths: int = 0

    @property
    def records(self) -> list[Record] | None:
        """Every item's record in the order of the items, once all are known."""
        if self._found or len(self._records) < len(self.items):
            return None
        return [self._records[item] for item in self.items]

    def start(self) -> Piece:
        """Return the whole chunk, to be done from the start."""
        self._records, self._found, self._deaths = {}, False, 0
        return Piece(self, self.items, self._lost)

    def answered(self, piece: Piece, records: Sequence[Record]) -> list[Piece]:
        """Take a piece's records, one an item; return what is to be done because of them."""
        self._records.update(zip(piece.items, records, strict=True))
        return self._next()

    def died(self, piece: Piece, cause: str) -> list[Piece]:
        """Take note that a piece killed its process; return what is to be done instead.

        Args:
            cause: why, as far as it is known.
        """
        self._deaths += 1
        if self._deaths < TRIES:
            return [piece]
        items = [item for item in piece.items if item not in piece.lost]
        if len(items) > 1:
            self._records |= piece.lost
            middle = len(items) // 2
            return [Piece(self, tuple(half), {}) for half in (items[:middle], items[middle:])]
        for item in items:
            reason = f"the worker process that read it was killed, {TRIES} times or more: {cause}"
            self._lost[item] = self._records[item] = Failed(item, "read", "", reason)
            self._found = True
        return self._next()

    def _next(self) -> list[Piece]:
        if not self._found or len(self._records) < len(self.items):
            return []
        if len(self._lost) == len(self.items):
            self._found = False
            return []
        return [self.start()]
