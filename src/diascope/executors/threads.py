"""Prepare items in threads of this process."""

from collections.abc import Iterator

from diascope.contracts import Prepared, Work
from diascope.sample import Item


class WorkerThread:
    """Prepares items in the calling thread; starts no process and copies nothing.

    Args:
        work: shared by all threads, with its readers and steps.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield blocks of samples, or the item's Failed or Skipped."""
        return self._work.prepare(item)

    def interrupt(self) -> None:
        """Do nothing: a thread cannot be interrupted, it stops after the current block."""

    def close(self) -> None:
        """Do nothing: there is nothing to clean up."""
