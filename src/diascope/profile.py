"""Where the time of a run went, how fast it could have been, and what would make it faster."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diascope.extras import install_command
from diascope.timing import Seconds, StageSeconds

_PREPARATION = ("read", "preprocess")
_DESCRIPTIONS = {
    "find": "find the items, and which of them are done",
    "load": "load the model",
    "read": "open and decode",
    "preprocess": "the recipe's steps",
    "hand over": "receive pixels from worker processes",
    "wait": "the network waits for pixels",
    "model": "the network, evidence and thumbnails",
    "answer": "make batches, combine the frames of an item",
    "digest": "digest the files' content",
    "ledger": "store the result of each item",
    "report": "write all reports",
}
"""The stages in the order in which they are printed."""

_LARGE, _SMALL = 0.25, 0.05
"""Fractions of the time that count as much and as little, for the advice."""


@dataclass(frozen=True)
class Profile:
    """The timings of a run.

    Attributes:
        items: items processed in it.
        seconds: wall-clock time from reading the first item to the end of the last.
        spent: seconds by stage; the ``cpu`` of the model includes all threads of the network.
        cores: cores that the run may use.
        workers: workers that read and preprocess; 0 for none.
        accelerated: whether the network ran on an accelerator.
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
        """The least number of seconds in which this work could be done on these cores.

        Without an accelerator: the core-seconds of reading, preprocessing and network, divided by
        the number of cores. With one: the larger of the core-seconds of reading and preprocessing,
        divided by the number of cores, and the network's time.
        """
        preparing = self._preparation_cpu / self.cores
        if self.accelerated:
            return max(preparing, self._stage("model").wall)
        return preparing + self._stage("model").cpu / self.cores

    @property
    def reached(self) -> float:
        """The bound as a fraction of the time that the run took; at most 1 but for rounding."""
        return self.bound / self.seconds if self.seconds else 0.0

    @property
    def advice(self) -> tuple[str, ...]:
        """What would make the same run faster; empty if nothing would make much difference."""
        return tuple(self._advice())

    def plain(self) -> dict[str, Any]:
        """Return the timings for ``run.json``, without those of stages that end later."""
        stages = {
            stage: {"wall_s": round(wall, 3), "core_s": round(cpu, 3)}
            for stage, (wall, cpu, _) in self._stages()
        }
        return {
            "items": self.items,
            "seconds": round(self.seconds, 3),
            "cores": self.cores,
            "workers": self.workers,
            "stages": stages,
            "bound_s": round(self.bound, 3) if self._has_bound else None,
            "reached": round(self.reached, 3) if self._has_bound else None,
            "advice": list(self.advice),
        }

    def lines(self) -> Iterator[str]:
        """Yield the timings as lines of text."""
        rate = self.items / self.seconds if self.seconds else 0.0
        yield (
            f"Where the time went: {self.items:,} items in {self.seconds:.1f} s "
            f"({rate:.1f} per second), {self.cores} cores, {self.workers} workers"
        )
        yield f"  {'':10} {'seconds':>9} {'core-s':>9} {'core-ms per item':>16}"
        for stage, (wall, cpu, _) in self._stages():
            each = 1000 * cpu / max(self.items, 1)
            clock = "" if stage == "hand over" else f"{wall:.2f}"  # mostly waiting for workers
            yield f"  {stage:10} {clock:>9} {cpu:9.2f} {each:16.3f}   {_DESCRIPTIONS[stage]}"
        how = (
            "the larger of decoding divided by the cores and the network's time"
            if self.accelerated
            else "reading, preprocessing and network, divided by the cores"
        )
        if not self._has_bound:
            yield "  No network ran in this process, so there is no bound."
            return
        yield f"  The bound is {self.bound:.1f} s ({how}); reached: {self.reached:.0%}."
        yield from (f"  Faster: {line}" for line in self.advice)

    def _stages(self) -> Iterator[tuple[str, Seconds]]:
        return ((stage, self.spent[stage]) for stage in _DESCRIPTIONS if stage in self.spent)

    @property
    def _has_bound(self) -> bool:
        """Whether the network's time is known; it is not measured on other machines."""
        return "model" in self.spent

    def _stage(self, stage: str) -> Seconds:
        return self.spent.get(stage, Seconds())

    @property
    def _preparation_cpu(self) -> float:
        return sum(self._stage(stage).cpu for stage in _PREPARATION)

    def _advice(self) -> Iterator[str]:
        work = self._preparation_cpu + self._stage("model").cpu
        if not work:
            return
        starved = self._stage("wait").wall > _LARGE * self.seconds
        alone = not self.workers and self._preparation_cpu > _LARGE * work and self.cores > 1
        if alone or (starved and 0 < self.workers < self.cores):
            yield f"more workers, --workers {self.cores}: the network waited for pictures."
        if (starved or alone) and self._stage("read").cpu > work / 2:
            yield (
                "for photographs larger than the network needs, decoding at a reduced size: "
                "`read: {image: {least: N}}`, N the shortest side to keep."
            )
        if self._stage("hand over").cpu > _SMALL * 2 * work:
            yield "threads, which need no hand over: `executor: {local: {kind: threads}}`."
        idle = self._preparation_cpu < _LARGE * max(self.workers - 1, 0) * self.seconds
        if self.workers > 1 and idle and self._stage("wait").wall < _SMALL * self.seconds:
            yield f"fewer workers may be enough, --workers {max(1, self.workers // 2)}."
        if self.reference and not self.accelerated and self._stage("model").cpu > work / 2:
            yield (
                "another engine: most of the time goes to torch in float32. `engine: auto` takes "
                "OpenVINO or ONNX Runtime if installed, by "
                f"`{install_command('openvino', 'onnx')}`."
            )


def add_network_threads(spent: StageSeconds, cpu: float) -> StageSeconds:
    """Return the seconds by stage, with those of the network's own threads added to the model's.

    Args:
        spent: seconds by stage while the items were classified.
        cpu: core-seconds of this whole process in that time.
    """
    others = sum(each.cpu - each.worker_cpu for stage, each in spent.items() if stage != "model")
    model = spent.get("model", Seconds())
    whole = max(model.cpu, cpu - others)
    return {**spent, "model": model._replace(cpu=whole)} if "model" in spent else spent
