"""Items prepared in threads of this process."""

from collections.abc import Iterator

from diascope.contracts import Prepared, Work
from diascope.sample import Item


class WorkerThread:
    """Prepares in whatever thread asks; nothing is started, nothing is copied.

    Args:
        work: all threads share it, its readers and its steps.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield blocks of samples, or the item's end."""
        return self._work.prepare(item)

    def interrupt(self) -> None:
        """Do nothing: a thread cannot be made to stop, it ends with the block it is at."""

    def close(self) -> None:
        """Do nothing: there is nothing to leave behind."""
