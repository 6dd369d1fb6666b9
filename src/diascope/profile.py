"""Where the time of a run went, how fast it could have been, and what would make it faster."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diascope.timing import Seconds, StageSeconds

_PREPARING = ("read", "preprocess")
_WHAT = {
    "find": "the items, and what is done of them",
    "load": "the model",
    "read": "open and decode",
    "preprocess": "the recipe's steps",
    "hand over": "pixels, from worker processes",
    "wait": "the network had nothing to do",
    "model": "the network, evidence and thumbnails",
    "answer": "batches, items of several frames",
    "digest": "of the files' content",
    "ledger": "what became of each item",
    "report": "all reports",
}
"""In the order in which they are told; a sum of waiting threads' time is none of a run's."""

_LARGE, _SMALL = 0.25, 0.05


@dataclass(frozen=True)
class Profile:
    """The figures of a run.

    Attributes:
        items: done in it.
        seconds: from the first item's reading to the last one's end.
        spent: by stage; the network's ``cpu`` with all of its threads.
        cores: that the run may use.
        workers: that read and preprocess; 0 for none.
        accelerated: whether the network had a processor of its own.
        reference: whether the network was executed by torch in float32.
    """

    items: int
    seconds: float
    spent: StageSeconds
    cores: int
    workers: int
    accelerated: bool
    reference: bool

    @property
    def bound(self) -> float:
        """The seconds that the work takes at the least, whoever runs it.

        On processors alone, all core-seconds of reading, preprocessing and network over the
        cores; with an accelerator, the larger of decode time over the cores and network time.
        """
        preparing = self._preparing / self.cores
        if self.accelerated:
            return max(preparing, self._of("model").wall)
        return preparing + self._of("model").cpu / self.cores

    @property
    def reached(self) -> float:
        """The share of the bound's speed that the run reached, at most 1 but for rounding."""
        return self.bound / self.seconds if self.seconds else 0.0

    @property
    def advice(self) -> tuple[str, ...]:
        """What would make the same run faster; empty if nothing would by much."""
        return tuple(self._advice())

    def plain(self) -> dict[str, Any]:
        """Return the figures as in ``run.json``, without those of what comes after."""
        stages = {
            stage: {"wall_s": round(wall, 3), "core_s": round(cpu, 3)}
            for stage, (wall, cpu, _) in self._told()
        }
        return {
            "items": self.items,
            "seconds": round(self.seconds, 3),
            "cores": self.cores,
            "workers": self.workers,
            "stages": stages,
            "bound_s": round(self.bound, 3) if self._bounded else None,
            "reached": round(self.reached, 3) if self._bounded else None,
            "advice": list(self.advice),
        }

    def lines(self) -> Iterator[str]:
        """Yield the figures as text."""
        rate = self.items / self.seconds if self.seconds else 0.0
        yield (
            f"Where the time went: {self.items:,} items in {self.seconds:.1f} s "
            f"({rate:.1f} a second), {self.cores} cores, {self.workers} workers"
        )
        yield f"  {'':10} {'seconds':>9} {'core-s':>9} {'core-ms an item':>16}"
        for stage, (wall, cpu, _) in self._told():
            each = 1000 * cpu / max(self.items, 1)
            clock = "" if stage == "hand over" else f"{wall:.2f}"  # most of it is waiting
            yield f"  {stage:10} {clock:>9} {cpu:9.2f} {each:16.3f}   {_WHAT[stage]}"
        how = (
            "the larger of decoding over the cores and the network's time"
            if self.accelerated
            else "reading, preprocessing and network over the cores"
        )
        if not self._bounded:
            yield "  No network was at work in this process, so no bound can be told."
            return
        yield f"  The bound is {self.bound:.1f} s ({how}); reached: {self.reached:.0%}."
        yield from (f"  Faster: {line}" for line in self.advice)

    def _told(self) -> Iterator[tuple[str, Seconds]]:
        return ((stage, self.spent[stage]) for stage in _WHAT if stage in self.spent)

    @property
    def _bounded(self) -> bool:
        """Whether the network's time is known: on other machines it is not measured."""
        return "model" in self.spent

    def _of(self, stage: str) -> Seconds:
        return self.spent.get(stage, Seconds())

    @property
    def _preparing(self) -> float:
        return sum(self._of(stage).cpu for stage in _PREPARING)

    def _advice(self) -> Iterator[str]:
        work = self._preparing + self._of("model").cpu
        if not work:
            return
        starved = self._of("wait").wall > _LARGE * self.seconds
        alone = not self.workers and self._preparing > _LARGE * work and self.cores > 1
        if alone or (starved and 0 < self.workers < self.cores):
            yield f"more workers, --workers {self.cores}: the network waited for pictures."
        if (starved or alone) and self._of("read").cpu > work / 2:
            yield (
                "for photographs larger than the network needs, a scaled decode: "
                "`read: {image: {least: N}}`, N the shortest side to keep."
            )
        if self._of("hand over").cpu > _SMALL * 2 * work:
            yield "threads, which hand nothing over: `executor: {local: {kind: threads}}`."
        idle = self._preparing < _LARGE * max(self.workers - 1, 0) * self.seconds
        if self.workers > 1 and idle and self._of("wait").wall < _SMALL * self.seconds:
            yield f"fewer workers may do, --workers {max(1, self.workers // 2)}."
        if self.reference and not self.accelerated and self._of("model").cpu > work / 2:
            yield (
                "another engine, most of it is torch in float32: `engine: auto` takes OpenVINO and "
                'ONNX Runtime where they are installed, by `pip install "diascope[openvino,onnx]"`.'
            )


def add_network_threads(spent: StageSeconds, cpu: float) -> StageSeconds:
    """Give the network the core-seconds of its own threads, which no stage counts.

    Args:
        spent: while the items were classified.
        cpu: core-seconds of this whole process meanwhile.
    """
    others = sum(each.cpu - each.worker_cpu for stage, each in spent.items() if stage != "model")
    model = spent.get("model", Seconds())
    whole = max(model.cpu, cpu - others)
    return {**spent, "model": model._replace(cpu=whole)} if "model" in spent else spent
