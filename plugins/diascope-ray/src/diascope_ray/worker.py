"""What an actor does on a node: it takes the work once, and then answers for chunks."""

import faulthandler
import os
import pickle
import platform
import signal
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from diascope.contracts import Prepared, Work
from diascope.sample import Failed, Item, Record
from diascope_ray.environment import check_same, installed

_LONGEST_S = 1e9  # the clock takes no more
_ERRORS = 2  # the file descriptor, which Ray writes to its logs


class Answer(NamedTuple):
    """What became of the items of one call.

    Attributes:
        records: one an item, in order.
        absent: paths of items that failed and cannot be read from this node; where all items of a
            call failed, the address of one, too.
        node: its name.
    """

    records: list[Record]
    absent: list[str]
    node: str


def readable(item: Item) -> bool:
    """Whether an item's content can be had from this machine."""
    try:
        with item.open() as file:
            file.read(1)
    except Exception:  # a file system may raise anything
        return False
    return True


class Worker:
    """One process on a node. It reads, preprocesses and classifies; the model is loaded once."""

    def __init__(self) -> None:
        # Ray makes of SIGTERM an error that a plugin's call would be blamed for
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # calls come in other threads, which cannot

    def pulse(self) -> None:
        """Do nothing: the answer says that this process runs."""

    def begin(
        self,
        pickled: bytes,
        threads: int,
        gpus: float,
        time_limit_s: float,
        versions: Mapping[str, str],
    ) -> None:
        """Take the work.

        Args:
            pickled: the Work. Its classes are imported only here, after the number of threads is
                set: PyTorch and the like look at it when they are imported.
            threads: of the network.
            gpus: of this process; with none, the node's are for others, and it does not see them.
            time_limit_s: seconds without anything new of an item after which this process ends; 0
                for no limit.
            versions: that the node must have.

        Raises:
            PluginError: if the node has others.
        """
        check_same(versions, installed(), platform.node())
        os.environ["OMP_NUM_THREADS"] = str(threads)
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self._limit = time_limit_s
        self._work: Work = pickle.loads(pickled)

    def finish(self, items: Sequence[Item], lost: Mapping[Item, Failed]) -> Answer:
        """Answer for items in one call of ``Work.finish``; those that are lost are not read."""
        prepared = (
            (item, part)
            for item in items
            for part in ((lost[item],) if item in lost else self._prepared(item))
        )
        records = list(self._work.finish(prepared))
        failed = [r.item for r in records if isinstance(r, Failed) and r.item not in lost]
        absent = [item.uri for item in failed if "://" not in item.uri and not readable(item)]
        if len(failed) == len(records):  # a store that is busy for once fails some
            remote = (item for item in failed if "://" in item.uri)
            absent += [item.uri for item in islice(remote, 1) if not readable(item)]
        return Answer(records, absent, platform.node())

    def _prepared(self, item: Item) -> Iterator[Prepared]:
        """Yield what the work makes of an item; where that hangs, its traceback goes to the logs
        and the process ends, whatever code it is in."""
        parts = self._work.prepare(item)
        while True:
            if self._limit:
                limit = min(self._limit, _LONGEST_S)
                faulthandler.dump_traceback_later(limit, exit=True, file=_ERRORS)
            try:
                part = next(parts, None)
            finally:
                faulthandler.cancel_dump_traceback_later()
            if part is None:
                return
            yield part
