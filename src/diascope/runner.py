"""One run, start to end: find items, classify what is not done, write the reports."""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from warnings import warn

from diascope.contract_checks import chunk_fault
from diascope.cores import available_cores
from diascope.engine_selection import Execution
from diascope.errors import DiascopeError, PluginError, RecipeError, UsageError
from diascope.inputs import find_items
from diascope.ledger import Ledger, content_digest
from diascope.ledger_file import damaged_ledger_error, is_corruption
from diascope.output import LEDGER_FILE, lock_folder
from diascope.output_errors import describe_output_error, is_disk_full
from diascope.pipeline import Pipeline
from diascope.plugins import blame_plugin, is_raised_by
from diascope.privacy import WITHHELD, remove_paths
from diascope.profile import Profile, add_network_threads
from diascope.pseudonyms import pseudonymise
from diascope.reporting import Summary, existing_reports, note_execution, write_reports
from diascope.sample import Failed, Found, Item, Prediction, Record, state_of, was_read
from diascope.timing import StageTimer, take_stage_seconds
from diascope.versions import mixed_version_warnings, note_versions

_PARTS = ".unfinished"
_ENGINE = "engine"


@dataclass(frozen=True)
class Request:
    """What the command line asks of a run.

    Attributes:
        inputs: files, folders, globs and URIs; the recipe's own if there are neither these nor
            ``lists``.
        output: folder for the results.
        limit: take only the first items found.
        max_failures: stop early when more items than that fail in this run; 0 is
            ``--fail-fast``.
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
        output: the folder of the results; absolute, for the current folder may be gone meanwhile.
        reports: paths of all reports' files.
        problems: reports that could not be written, and why; the ledger holds what they need.
        worked, failed: items done in this run, and how many failed in it; the others were done
            before.
        warned: answers of this run that carry a warning.
        stopped: why it ended early; empty if it did not.
        profile: where the time went; None if nothing was run.
        execution: what executed the network; None if nothing was run or the model does not say.
    """

    counts: dict[str, int]
    output: Path
    reports: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    completed: int = 0
    failed: int = 0
    warned: int = 0
    stopped: str = ""
    profile: Profile | None = None
    execution: Execution | None = None

    def add(self, records: Sequence[Record]) -> None:
        """Count the ends of a chunk."""
        self.completed += len(records)
        for record in records:
            self.counts["pending"] -= 1
            self.counts[state_of(record)] += 1
            self.failed += isinstance(record, Failed)
            self.warned += isinstance(record, Prediction) and bool(record.warnings)

    @property
    def exit_code(self) -> int:
        if self.stopped:
            return 3
        return 1 if self.counts["failed"] or self.problems else 0


ProgressCallback = Callable[[dict[str, int], int], None]
"""Called after each chunk with the counts and how many items were done in this run."""


def run(pipeline: Pipeline, request: Request, watch: ProgressCallback) -> Outcome:
    """Carry out a run; the same request again goes on where it stopped, or finds nothing to do.

    Raises:
        UsageError: if an input is not there or nothing was found.
        OutputError: if the output folder cannot be used, another run is using it, or its ledger is
            damaged.
        WeightsError: if the weights do not load.
    """
    counts = dict.fromkeys(("found", "ok", "failed", "skipped", "pending"), 0)
    outcome = Outcome(counts, request.output)
    try:
        kept = request.output / _PARTS  # of an item under way, by the engine that the ledger names
        with (
            lock_folder(
                request.output, lambda: bool(outcome.completed) or kept.exists()
            ) as outcome.output,
            closing(Ledger(outcome.output / LEDGER_FILE, pipeline.digest())) as ledger,
        ):
            _run(pipeline, request, watch, ledger, outcome)
    except (OSError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.DatabaseError) and is_corruption(error):
            raise damaged_ledger_error(request.output / LEDGER_FILE, error) from error
        outcome.stopped = describe_output_error(error, outcome.output)
        if not outcome.stopped:
            raise
    return outcome


def _run(
    pipeline: Pipeline, request: Request, watch: ProgressCallback, ledger: Ledger, outcome: Outcome
) -> None:
    output = outcome.output
    strict = pipeline.recipe.privacy == "strict"
    named = [*request.inputs, *map(str, request.lists)] or pipeline.recipe.input
    command, inputs = (WITHHELD, [WITHHELD]) if strict else (request.command, named)
    summary, told = Summary(command, inputs), ""
    take_stage_seconds()  # by another run of this process
    with StageTimer("find"):
        ledger.add_items(
            _find_inputs(pipeline, request, output), retry=request.retry, limit=request.limit
        )
    outcome.counts, outcome.failed = ledger.counts(), ledger.failed_on_entry
    if not outcome.counts["found"]:
        hint = "Name files, folders or globs. If they held some before, is their disk mounted?"
        raise UsageError("the inputs hold no files", hint=hint)
    summary.lap("find")
    if left := outcome.counts["pending"]:
        with StageTimer("load"):
            _load_model(pipeline, ledger)
        outcome.execution = pipeline.execution
        pipeline.keep_partial_results(output / _PARTS)
        summary.lap("load")
        try:
            outcome.profile = _classify_with_profile(pipeline, request, watch, ledger, outcome)
        except DiascopeError as error:
            if not outcome.completed:  # nothing was run
                raise
            outcome.stopped = str(error)
            told = f"{type(error).__name__}, its words {WITHHELD}" if strict else str(error)
        summary.lap("classify")
    if not outcome.counts["pending"] and (output / _PARTS).exists():
        shutil.rmtree(output / _PARTS)  # what is left is of items that changed or are gone
    if not left and not ledger.changed and (done := existing_reports(ledger, pipeline, output)):
        outcome.reports = done
        return
    summary.finish(outcome.counts, outcome.completed, told or outcome.stopped, outcome.profile)
    with StageTimer("report"):
        outcome.reports, outcome.problems = write_reports(pipeline, ledger, summary, output)
    if outcome.profile is not None:
        outcome.profile = replace(
            outcome.profile, spent=outcome.profile.spent | take_stage_seconds()
        )


def _find_inputs(pipeline: Pipeline, request: Request, output: Path) -> Iterator[Found]:
    own = not request.inputs and not request.lists
    named = pipeline.recipe.input if own else request.inputs
    if not named and not request.lists:
        raise UsageError("there is nothing to classify: the recipe names no input, nor did you")
    base = pipeline.recipe.base if own else None
    found = find_items(named, request.lists, base=base, exclude=output)
    return pseudonymise(found) if pipeline.recipe.privacy == "strict" else found


def _load_model(pipeline: Pipeline, ledger: Ledger) -> None:
    """Load the model into the engine with which this folder was begun, if it was."""
    digest = pipeline.digest()
    begun, *engine = ledger.load_json(_ENGINE, [None])
    if begun == digest:
        pipeline.engine = engine[0], engine[1]
    try:
        pipeline.load()
    except RecipeError as error:
        if begun != digest:
            raise
        message = f"what is done here was answered by {' '.join(engine)}: {error.message}"
        hint = "Install it, or name another folder by --output."
        raise RecipeError(message, where=error.where, hint=hint) from error
    if pipeline.engine is not None:
        ledger.store_text(_ENGINE, json.dumps([digest, *pipeline.engine]))
    note_execution(ledger, pipeline)


def _classify_with_profile(
    pipeline: Pipeline, request: Request, watch: ProgressCallback, ledger: Ledger, outcome: Outcome
) -> Profile:
    """Classify what is not done, and say where the time went."""
    automatic = available_cores() if outcome.counts["pending"] > pipeline.batch else 0
    before, start, cpu = take_stage_seconds(), time.perf_counter(), time.process_time()
    _classify(pipeline, request, watch, ledger, outcome)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return Profile(
        items=outcome.completed,
        seconds=seconds,
        spent=before | add_network_threads(take_stage_seconds(), cpu),
        cores=available_cores(),
        workers=automatic if pipeline.workers == "auto" else pipeline.workers,
        accelerated="cpu" not in pipeline.devices,
        reference=pipeline.execution is not None and pipeline.execution.is_reference,
    )


def _classify(
    pipeline: Pipeline, request: Request, watch: ProgressCallback, ledger: Ledger, outcome: Outcome
) -> None:
    watch(outcome.counts, 0)
    if _exceeds_failure_limit(request, outcome):  # of a list, whose files are not there
        return
    noted = False
    with closing(_execute(pipeline, ledger)) as chunks:
        for records in chunks:
            with StageTimer("digest"):
                ends = [(one, content_digest(one.item) if was_read(one) else "") for one in records]
            if not noted and any(isinstance(record, Prediction) for record in records):
                noted = True
                note_versions(ledger, pipeline.parts)
                for warning in mixed_version_warnings(ledger):
                    warn(warning, stacklevel=2)
            with StageTimer("ledger"):
                ledger.record(ends)
                for record in records:
                    pipeline.forget_partial_results(record.item)
            outcome.add(records)
            watch(outcome.counts, outcome.completed)
            if _exceeds_failure_limit(request, outcome):
                return
    if outcome.counts["pending"]:
        outcome.stopped = f"the executor left {outcome.counts['pending']} items undone"


def _execute(pipeline: Pipeline, ledger: Ledger) -> Generator[Sequence[Record], None, None]:
    """Yield what the executor gives, chunk by chunk.

    Raises:
        PluginError: if its own code raises anything but ours, or gives no Records of what it took.
    """
    executor = pipeline.executor
    waiting: set[Item] = set()
    try:
        work = executor.instance.run(
            pipeline, _track_waiting(ledger.pending_chunks(pipeline.batch), waiting)
        )
        if not isinstance(work, Generator):
            kind = type(work).__name__
            raise PluginError(f"{executor.plugin.title}: expected run() as a generator, got {kind}")
        with closing(work) as chunks:
            for records in chunks:
                if fault := chunk_fault(records, waiting):
                    raise PluginError(f"{executor.plugin.title}: {fault}")
                waiting.difference_update(record.item for record in records)
                yield records
    except BaseException as error:
        if isinstance(error, DiascopeError) and pipeline.recipe.privacy == "strict":
            error.message = remove_paths(error.message, *waiting)
        if is_disk_full(error) or not is_raised_by(executor.plugin, error):
            raise
        with blame_plugin(
            executor.plugin, "failed"
        ):  # errors of ours, and what ends the work, go on
            raise


def _track_waiting(chunks: Iterator[list[Item]], waiting: set[Item]) -> Iterator[list[Item]]:
    """Yield the chunks; the items of those that were taken wait."""
    for chunk in chunks:
        waiting.update(chunk)
        yield chunk


def _exceeds_failure_limit(request: Request, outcome: Outcome) -> bool:
    """Whether more items have failed than may and some are not done; then the outcome says so."""
    allowed = request.max_failures
    if allowed is None or outcome.failed <= allowed or not outcome.counts["pending"]:
        return False
    items, are = "item" if outcome.failed == 1 else "items", "is" if allowed == 1 else "are"
    outcome.stopped = f"{outcome.failed} {items} failed, {allowed} {are} allowed"
    return True
