"""Split a chunk whose items kill worker processes, until the fatal items are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diascope.sample import Failed, Item, Record

TRIES = 3
"""How many times a whole chunk is tried before it is split."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The items for one call of a process: a whole chunk, or part of one.

    Attributes:
        lost: items that kill the process that reads them, with their records; they are not read
            again.
    """

    chunk: "Chunk"
    items: tuple[Item, ...]
    lost: Mapping[Item, Failed]


@dataclass(eq=False)
class Chunk:
    """Items that share the network's batches, until each has its record.

    A chunk that kills ``TRIES`` processes is halved, and so is a half that kills again, until a
    single item is left: that item has failed. Then the whole chunk is processed again without it,
    so that the others share the same batches as on one machine, where a killed process costs one
    item.

    Attributes:
        items: the items, in the order in which they go to the network.
    """

    items: tuple[Item, ...]
    _records: dict[Item, Record] = field(default_factory=dict)
    _lost: dict[Item, Failed] = field(default_factory=dict)
    _fatal_found: bool = False
    _deaths: int = 0

    @property
    def records(self) -> list[Record] | None:
        """The records in the order of the items; None until all are known."""
        if self._fatal_found or len(self._records) < len(self.items):
            return None
        return [self._records[item] for item in self.items]

    def start(self) -> Piece:
        """Return the whole chunk as one piece, and forget its records."""
        self._records, self._fatal_found, self._deaths = {}, False, 0
        return Piece(self, self.items, self._lost)

    def add_records(self, piece: Piece, records: Sequence[Record]) -> list[Piece]:
        """Store a piece's records, one per item; return the pieces to process next."""
        self._records.update(zip(piece.items, records, strict=True))
        return self._next_pieces()

    def note_death(self, piece: Piece, cause: str) -> list[Piece]:
        """Note that a piece killed its process; return the pieces to process instead.

        Args:
            cause: why the process died, as far as that is known.
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
            self._fatal_found = True
        return self._next_pieces()

    def _next_pieces(self) -> list[Piece]:
        if not self._fatal_found or len(self._records) < len(self.items):
            return []
        if len(self._lost) == len(self.items):
            self._fatal_found = False
            return []
        return [self.start()]
