"""One run, start to end: find items, classify what is not done, write the reports."""

import errno
import json
import platform
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from diascope.errors import UsageError
from diascope.inputs import Found, find_items
from diascope.ledger import Ledger, content_digest
from diascope.output import held, put_in_place, write_whole
from diascope.pipeline import Pipeline
from diascope.preparation import reason_of
from diascope.sample import Item, Record, state_of

RUN_FILE = "run.json"
_LIBRARIES = ("diascope", "torch", "monai", "numpy", "pillow", "safetensors")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Request:
    """What the command line asks of a run.

    Attributes:
        inputs: files, folders, globs and URIs; the recipe's own if there are neither these nor
            ``lists``.
        output: folder for the results.
        limit: take only the first items found.
        max_failures: stop early when more items than that have failed; 0 is ``--fail-fast``.
        retry: do failed and skipped items again.
        command: goes into ``run.json``.
    """

    inputs: Sequence[str]
    output: Path
    lists: Sequence[Path] = ()
    limit: int | None = None
    max_failures: int | None = None
    retry: bool = False
    command: str = ""


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        counts: found, ok, failed, skipped and pending.
        reports: paths of all reports' files.
        problems: reports that could not be written, and why; the ledger holds what they need.
        worked: items done in this run; the others were done before.
        stopped: why it ended early; empty if it did not.
    """

    counts: dict[str, int]
    reports: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    worked: int = 0
    stopped: str = ""

    def add(self, records: Sequence[Record]) -> None:
        """Count the ends of a chunk."""
        self.worked += len(records)
        for record in records:
            self.counts["pending"] -= 1
            self.counts[state_of(record)] += 1

    @property
    def exit_code(self) -> int:
        if self.stopped:
            return 3
        return 1 if self.counts["failed"] or self.problems else 0


Watch = Callable[[dict[str, int], int], None]
"""Called after each chunk with the counts and how many items were done in this run."""


def run(pipeline: Pipeline, request: Request, watch: Watch) -> Outcome:
    """Carry out a run; the same request again goes on where it stopped, or finds nothing to do.

    Raises:
        UsageError: if an input is not there or nothing was found.
        OutputError: if the output folder cannot be used, or another run is using it.
        WeightsError: if the weights do not load.
    """
    started = datetime.now(UTC)
    with held(request.output) as output:
        ledger = Ledger(output / "ledger.sqlite", pipeline.digest())
        try:
            return _run(pipeline, request, watch, output, ledger, started)
        finally:
            ledger.close()


def _run(
    pipeline: Pipeline,
    request: Request,
    watch: Watch,
    output: Path,
    ledger: Ledger,
    started: datetime,
) -> Outcome:
    clock = _Clock()
    others = ledger.enter(_found(pipeline, request, output), _unchanged, retry=request.retry)
    counts = ledger.counts()
    if not counts["found"]:
        raise UsageError("the inputs hold no files", hint="Name files, folders or globs.")
    clock.lap("find")
    outcome = Outcome(counts)
    if counts["pending"]:
        pipeline.load()
        clock.lap("load")
        _work(pipeline, request, watch, ledger, outcome)
        clock.lap("classify")
    elif not others and _reported(ledger, pipeline, output, outcome):
        return outcome
    summary = _summary(pipeline, request, outcome, started)
    _write_reports(pipeline, ledger, summary, output, outcome)
    clock.lap("report")
    summary["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    summary["timings"] = clock.timings(outcome.worked)
    summary["problems"] = outcome.problems
    write_whole(output / RUN_FILE, json.dumps(summary, indent=1, ensure_ascii=False))
    names = [str(path.relative_to(output)) for path in outcome.reports]
    wanted = json.dumps([part.plugin.name for part in pipeline.reports])
    digest = "" if outcome.problems else pipeline.digest()
    ledger.remember("reports", json.dumps([digest, wanted, names]))
    return outcome


def _found(pipeline: Pipeline, request: Request, output: Path) -> Iterator[Found]:
    own = not request.inputs and not request.lists
    named = pipeline.recipe.input if own else request.inputs
    if not named and not request.lists:
        raise UsageError("there is nothing to classify: the recipe names no input, nor did you")
    base = pipeline.recipe.base if own else None
    found = find_items(named, request.lists, base=base, leave_out=output)
    for number, entry in enumerate(found):
        if request.limit is not None and number >= request.limit:
            return
        yield entry


def _unchanged(item: Item, digest: str) -> bool:
    return content_digest(item) == digest


def _work(
    pipeline: Pipeline, request: Request, watch: Watch, ledger: Ledger, outcome: Outcome
) -> None:
    watch(outcome.counts, 0)
    work = pipeline.executor.instance.run(pipeline, ledger.todo(pipeline.batch))
    try:
        with closing(work) as chunks:
            for records in chunks:
                ledger.record([(record, content_digest(record.item)) for record in records])
                outcome.add(records)
                watch(outcome.counts, outcome.worked)
                failed = outcome.counts["failed"]
                if request.max_failures is not None and failed > request.max_failures:
                    outcome.stopped = f"{failed} items failed, {request.max_failures} are allowed"
                    return
    except (OSError, sqlite3.OperationalError) as error:
        if getattr(error, "errno", None) not in _FULL and "full" not in str(error):
            raise
        outcome.stopped = f"the disk is full: {error}"


def _reported(ledger: Ledger, pipeline: Pipeline, output: Path, outcome: Outcome) -> bool:
    """Say whether the reports of this very run are there already."""
    wanted = json.dumps([part.plugin.name for part in pipeline.reports])
    digest, reports, names = json.loads(ledger.fact("reports") or '["", "", []]')
    outcome.reports = [output / name for name in names]
    there = all(path.exists() for path in [*outcome.reports, output / RUN_FILE])
    return there and (digest, reports) == (pipeline.digest(), wanted)


def _write_reports(
    pipeline: Pipeline, ledger: Ledger, summary: dict[str, Any], output: Path, outcome: Outcome
) -> None:
    for left in output.glob(".part-*"):  # of a run that was killed; the lock is ours
        shutil.rmtree(left)
    for part in pipeline.reports:
        with tempfile.TemporaryDirectory(prefix=".part-", dir=output) as staging:
            try:
                written = part.instance.write(summary, _Records(ledger), Path(staging))
            except Exception as error:  # a stranger's report may raise anything
                outcome.problems.append(
                    f"the {part.plugin.title} could not be written: {reason_of(error)}"
                )
                continue
            outcome.reports.extend(
                put_in_place(Path(path), Path(staging), output) for path in written
            )


@dataclass(frozen=True)
class _Records:
    """The ledger's records, as an iterable that can be gone through more than once."""

    ledger: Ledger

    def __iter__(self) -> Iterator[Any]:
        return self.ledger.records()


def _summary(
    pipeline: Pipeline, request: Request, outcome: Outcome, started: datetime
) -> dict[str, Any]:
    card = pipeline.model.instance.card
    parts = (*pipeline.parts, *pipeline.reports, pipeline.executor)
    owners = {part.plugin.distribution: part.plugin.version for part in parts}
    return {
        "recipe": pipeline.recipe.plain(),
        "digest": pipeline.digest(),
        "counts": outcome.counts,
        "stopped": outcome.stopped,
        "inputs": list(request.inputs) or list(pipeline.recipe.input),
        "weights": {"model": pipeline.model.plugin.name, "digest": card.digest},
        "card": card.plain(),
        "versions": {name: version(name) for name in _LIBRARIES}
        | owners
        | {"python": platform.python_version()},
        "host": {"platform": platform.platform(), "processor": platform.machine()},
        "command": request.command,
        "started": started.isoformat(timespec="seconds"),
        "warnings": list(pipeline.warnings),
    }


class _Clock:
    """Seconds that each part of a run took."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round(now - self._last, 3)
        self._last = now

    def timings(self, worked: int) -> dict[str, float]:
        seconds = round(time.perf_counter() - self._start, 3)
        rate = worked / self._laps["classify"] if worked else 0.0
        return {"seconds": seconds, "items_per_second": round(rate, 2), **self._laps}
