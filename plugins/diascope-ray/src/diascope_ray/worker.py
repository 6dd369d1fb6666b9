"""The actor on a node: it receives the work once, and then processes chunk after chunk."""

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
from diascope_ray.environment import check_same, installed_versions

_LONGEST_TIMER_S = 1e9  # faulthandler accepts no more
_STDERR = 2  # a file descriptor; Ray writes it to its logs


class Answer(NamedTuple):
    """The result of one call.

    Attributes:
        records: one record per item, in order.
        absent: paths of failed items that cannot be read from this node; if all items of the call
            failed, also the address of a remote one that cannot be read.
        node: name of the node.
    """

    records: list[Record]
    absent: list[str]
    node: str


def is_readable(item: Item) -> bool:
    """Whether an item can be read from this machine."""
    try:
        with item.open() as file:
            file.read(1)
    except Exception:  # a file system may raise anything
        return False
    return True


class Worker:
    """A process on a node that reads, preprocesses and classifies; it loads the model once."""

    def __init__(self) -> None:
        # Ray turns SIGTERM into an exception, for which a plugin would be blamed. This must be set
        # here, in the main thread: calls arrive in other threads
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def pulse(self) -> None:
        """Do nothing; that this call returns shows that the process runs."""

    def begin(
        self,
        pickled: bytes,
        threads: int,
        gpus: float,
        time_limit_s: float,
        versions: Mapping[str, str],
    ) -> None:
        """Receive the work.

        Args:
            pickled: the Work. It is unpickled only after the number of threads is set, because
                PyTorch and others read that when they are imported.
            threads: number of threads of the network.
            gpus: GPUs of this process; if 0, the node's GPUs are hidden from it.
            time_limit_s: if an item makes no progress for this many seconds, this process ends; 0
                for no limit.
            versions: versions that the node must have.

        Raises:
            PluginError: if the node has others.
        """
        check_same(versions, installed_versions(), platform.node())
        os.environ["OMP_NUM_THREADS"] = str(threads)
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self._limit = time_limit_s
        self._work: Work = pickle.loads(pickled)

    def finish(self, items: Sequence[Item], lost: Mapping[Item, Failed]) -> Answer:
        """Process items in one call of ``Work.finish``; those in ``lost`` are not read."""
        prepared = (
            (item, part)
            for item in items
            for part in ((lost[item],) if item in lost else self._prepare(item))
        )
        records = list(self._work.finish(prepared))
        failed = [r.item for r in records if isinstance(r, Failed) and r.item not in lost]
        absent = [item.uri for item in failed if "://" not in item.uri and not is_readable(item)]
        if len(failed) == len(records):  # a store that is busy for a moment fails only some
            remote = (item for item in failed if "://" in item.uri)
            absent += [item.uri for item in islice(remote, 1) if not is_readable(item)]
        return Answer(records, absent, platform.node())

    def _prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield what the work makes of an item.

        If that hangs, its traceback goes to the logs and the process ends, even in native code.
        """
        parts = self._work.prepare(item)
        while True:
            if self._limit:
                limit = min(self._limit, _LONGEST_TIMER_S)
                faulthandler.dump_traceback_later(limit, exit=True, file=_STDERR)
            try:
                part = next(parts, None)
            finally:
                faulthandler.cancel_dump_traceback_later()
            if part is None:
                return
            yield part
