"""Plugins that misbehave; `tests.runs` installs this file as a distribution of its own."""

import errno
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from diascope.readers.image import ImageReader
from diascope.sample import Item, Sample, Skipped

ENTRY_POINTS = """
[diascope.readers]
slow = odd_plugins:Slow
fatal = odd_plugins:Fatal
stuck = odd_plugins:Stuck
stream = odd_plugins:Stream
closed = odd_plugins:Closed

[diascope.preprocessing]
dawdle = odd_plugins:Dawdle

[diascope.executors]
astray = odd_plugins:Astray
ahead = odd_plugins:Ahead

[diascope.reports]
raising = odd_plugins:Raising
dying = odd_plugins:Dying
"""


class Slow(ImageReader):
    """Takes as long as the environment says, so that a run can be struck while it goes on."""

    def read(self, item: Item) -> Iterator[Sample]:
        time.sleep(float(os.environ.get("ODD_SECONDS", 0)))
        yield from super().read(item)


class Fatal(ImageReader):
    """Is killed by one item; only where it is alone in its process."""

    def read(self, item: Item) -> Iterator[Sample]:
        if "fatal" in item.id:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().read(item)


class Stuck(ImageReader):
    """Never comes back from one item, after its first frame."""

    def read(self, item: Item) -> Iterator[Sample]:
        yield from super().read(item)
        if "stuck" in item.id:
            time.sleep(3600)


@dataclass
class Stream:
    """Gives 500 frames and writes down, byte by byte, how many were taken from it."""

    api: ClassVar = (1, 0)

    log: Path

    def sniff(self, path: str, head: bytes) -> int:
        return 1

    def read(self, item: Item) -> Iterator[Sample]:
        for number in range(500):
            with self.log.open("ab") as file:
                file.write(b".")
            yield Sample(item, np.full((128, 128, 3), number % 256, np.uint8), frame=number)


class Closed:
    """Cannot travel to another process."""

    api: ClassVar = (1, 0)

    def __init__(self) -> None:
        self.secret = lambda: None

    def sniff(self, path: str, head: bytes) -> int:
        return 1

    def read(self, item: Item) -> Iterator[Sample]:
        raise NotImplementedError


class Dawdle:
    """A step that takes as long as the environment says."""

    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        time.sleep(float(os.environ.get("ODD_SECONDS", 0)))
        return sample


class Astray:
    """An executor that does its second chunk as the environment says."""

    api: ClassVar = (1, 0)

    def run(self, work: Any, chunks: Any) -> Any:
        return [] if os.environ.get("ODD_END") == "list" else self._run(work, chunks)

    def _run(self, work: Any, chunks: Any) -> Iterator[Any]:
        records: list[Any] = []
        for number, items in enumerate(chunks):
            if number == 1:
                if os.environ["ODD_END"] == "raise":
                    raise KeyError("the cluster is gone")
                if os.environ["ODD_END"] == "refused":
                    raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
                if os.environ["ODD_END"] == "exit":
                    raise SystemExit(7)
                if os.environ["ODD_END"] == "early":
                    return
                ends = {"none": [None], "twice": records, "strange": [Skipped(Item("?", "?"), "")]}
                yield ends.get(os.environ["ODD_END"], iter(()))
            records = list(
                work.finish((item, each) for item in items for each in work.prepare(item))
            )
            yield records


class Ahead:
    """An executor whose pool takes the chunks in a thread of its own, as all of Python's do."""

    api: ClassVar = (1, 0)

    def run(self, work: Any, chunks: Any) -> Iterator[Any]:
        def ended(items: Any) -> list[Any]:
            prepared = ((item, each) for item in items for each in work.prepare(item))
            return list(work.finish(prepared))

        with ThreadPool(1) as pool:
            yield from pool.imap(ended, chunks)


class Raising:
    """A report that cannot be written, until somebody mends it."""

    api: ClassVar = (1, 0)

    def write(self, run: Any, records: Any, directory: Path) -> list[Path]:
        if "ODD_MENDED" not in os.environ:
            raise RuntimeError("out of ink")
        (directory / "raising.txt").write_text("well")
        return [directory / "raising.txt"]


class Dying:
    """A report whose process dies when it is half written."""

    api: ClassVar = (1, 0)

    def write(self, run: Any, records: Any, directory: Path) -> list[Path]:
        (directory / "half.txt").write_text("half of it")
        if "ODD_MENDED" not in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return [directory / "half.txt"]
