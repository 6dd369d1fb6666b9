"""A Work without a network, whose processes can be made to die; nodes import it by this name."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diascope.contracts import Prepared
from diascope.sample import Failed, Item, Prediction, Record, Sample


@dataclass(frozen=True)
class OddWork:
    """Answers with the size of a batch, and which process had it where; writes down what it reads.

    Attributes:
        log: gets a line with the item's id for each time that it is read.
        seconds: that reading takes.
    """

    log: Path
    seconds: float = 0.0
    batch: int = 4
    workers: int = 0

    def prepare(self, item: Item) -> Iterator[Prepared]:
        with self.log.open("a") as file:
            file.write(f"{item.id}\n")
        time.sleep(self.seconds)
        if "deadly" in item.id or ("once" in item.id and self._is_first(item)):
            os.kill(os.getpid(), signal.SIGKILL)
        if "stopped" in item.id and self._is_first(item):
            os.kill(os.getpid(), signal.SIGSTOP)
        if "drained" in item.id and self._is_first(item):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
            except SystemExit:
                yield Failed(item, "preprocess", "odd", "blamed for the end of its process")
                return
        if "endless" in item.id:
            time.sleep(3600)
        if not Path(item.uri).exists():
            yield Failed(item, "read", "", "it cannot be opened: No such file or directory")
            return
        yield [Sample(item, np.zeros((1, 1, 1), np.uint8))]

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        parts = list(prepared)
        if sum(item.id.startswith("greedy") for item, _ in parts) > 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if any(item.id == "faulty" for item, _ in parts):
            raise ValueError("a fault of the model")
        batch = sum(not isinstance(part, Failed) for _, part in parts)
        for item, part in parts:
            if isinstance(part, Failed):
                yield part
            else:
                trace = (
                    f"batch of {batch}",
                    f"process {os.getpid()}",
                    f"node {_node()}",
                    _threads(),
                    f"GPUs {os.environ.get('CUDA_VISIBLE_DEVICES')}",
                )
                yield Prediction(item, {"a": 1.0}, "softmax", ("a",), trace=trace)

    def _is_first(self, item: Item) -> bool:
        return self.log.read_text().split().count(item.id) == 1


def _threads() -> str:
    return f"threads {os.environ['OMP_NUM_THREADS']}"


def _node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())
