"""Prepare items in the background, ahead of the network by a limited number of blocks."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Protocol

from diascope.contracts import Prepared
from diascope.errors import PluginError, reason_of
from diascope.sample import Item
from diascope.timing import StageTimer

_BLOCKS_AHEAD = 4
_POLL_SECONDS = 0.2
BlockQueue = queue.Queue[Any]


class Preparer(Protocol):
    """Prepares one item after another, for one thread."""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield blocks of samples, or the item's Failed or Skipped."""

    def interrupt(self) -> None:
        """Stop preparing, if possible; called from another thread."""

    def close(self) -> None:
        """Clean up."""


class Workers:
    """Threads with a preparer each; an item's blocks arrive in order, as fast as they are used."""

    def __init__(self, make_preparer: Callable[[], Preparer], count: int) -> None:
        self._tasks: queue.SimpleQueue[tuple[Item, BlockQueue] | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._preparers = [make_preparer() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._serve, args=(preparer,), daemon=True)
            for preparer in self._preparers
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, item: Item) -> BlockQueue:
        """Queue an item for preparation; pass the result to ``blocks``."""
        blocks: BlockQueue = queue.Queue(maxsize=_BLOCKS_AHEAD)
        self._tasks.put((item, blocks))
        return blocks

    def blocks(self, item: Item, blocks: BlockQueue) -> Iterator[tuple[Item, Prepared]]:
        """Yield the blocks of a submitted item as they arrive; end early once stopped.

        Raises:
            Exception: what the preparer raised; never for a fault of the item.
        """
        while (block := self._next(blocks)) is not None:
            if isinstance(block, Exception):
                raise block
            yield item, block

    def stop(self) -> None:
        """End the threads and anyone waiting for blocks; at once if the preparers can."""
        self._stopped.set()
        for preparer in self._preparers:
            self._tasks.put(None)
            preparer.interrupt()
        for thread in self._threads:
            thread.join()

    def _serve(self, preparer: Preparer) -> None:
        with closing(preparer):
            while (task := self._tasks.get()) is not None and not self._stopped.is_set():
                item, blocks = task
                try:
                    for block in preparer.prepare(item):
                        self._put(blocks, block)
                        if self._stopped.is_set():
                            return
                    self._put(blocks, None)
                except Exception as error:  # raised again by ``blocks``
                    self._put(blocks, error)
                except BaseException as error:  # a SystemExit would end this thread
                    self._put(blocks, PluginError(f"a reader or step raised {reason_of(error)}"))

    def _put(self, blocks: BlockQueue, block: Any) -> None:
        while not self._stopped.is_set():
            try:
                blocks.put(block, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return

    def _next(self, blocks: BlockQueue) -> Any:
        with StageTimer("wait"):
            while not self._stopped.is_set():
                try:
                    return blocks.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    continue
        return None
