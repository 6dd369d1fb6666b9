"""What an actor does on a node: it takes the work once, and then answers for chunks."""

import os
import pickle
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from diascope.contracts import Work
from diascope.sample import Failed, Item, Record
from diascope_ray.environment import check_same, installed


class Answer(NamedTuple):
    """What became of the items of one call.

    Attributes:
        records: one an item, in order.
        absent: paths of items that failed and are not there, seen from this node.
        node: its name.
    """

    records: list[Record]
    absent: list[str]
    node: str


class Worker:
    """One process on a node. It reads, preprocesses and classifies; the model is loaded once."""

    def begin(self, pickled: bytes, threads: int, gpus: float, versions: Mapping[str, str]) -> None:
        """Take the work.

        Args:
            pickled: the Work. Its classes are imported only here, after the number of threads is
                set: PyTorch and the like look at it when they are imported.
            threads: of the network.
            gpus: of this process; with none, the node's are for others, and it does not see them.
            versions: that the node must have.

        Raises:
            PluginError: if the node has others.
        """
        check_same(versions, installed(), platform.node())
        os.environ["OMP_NUM_THREADS"] = str(threads)
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        self._work: Work = pickle.loads(pickled)

    def finish(self, items: Sequence[Item], lost: Mapping[Item, Failed]) -> Answer:
        """Answer for items in one call of ``Work.finish``; those that are lost are not read."""
        prepared = (
            (item, part)
            for item in items
            for part in ((lost[item],) if item in lost else self._work.prepare(item))
        )
        records = list(self._work.finish(prepared))
        failed = (record.item.uri for record in records if isinstance(record, Failed))
        absent = [uri for uri in failed if "://" not in uri and not Path(uri).exists()]
        return Answer(records, absent, platform.node())
