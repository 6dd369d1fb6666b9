"""Carry out one run: find the items, classify those that are not done, write the reports."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from warnings import warn

from diascope.cores import available_cores
from diascope.engine_selection import Execution
from diascope.errors import DiascopeError, RecipeError, UsageError
from diascope.fingerprints import content_digest
from diascope.input_choice import find_inputs
from diascope.ledger import Ledger
from diascope.ledger_file import damaged_ledger_error, is_corruption
from diascope.outdated import outdated_warnings
from diascope.output import LEDGER_FILE, lock_folder
from diascope.output_errors import describe_output_error
from diascope.pipeline import Pipeline
from diascope.privacy import WITHHELD
from diascope.profile import Profile, add_network_threads
from diascope.reporting import Summary, existing_reports, note_execution, write_reports
from diascope.run_executor import run_executor
from diascope.sample import Failed, Prediction, Record, state_of, was_read
from diascope.timing import StageTimer, take_stage_seconds
from diascope.versions import mixed_version_warnings, note_versions

_PARTIAL_RESULTS = ".unfinished"
_ENGINE = "engine and precision"


@dataclass(frozen=True)
class RunRequest:
    """What the command line asks of a run.

    Attributes:
        inputs: files, folders, globs and URIs; if there are neither inputs nor lists, the
            recipe's own inputs are used.
        output: folder for the results.
        lists: files that list paths.
        limit: how many of the items found are used, from the first on; None for all.
        max_failures: stop early once more items than this have failed in this run; 0 is
            ``--fail-fast``.
        retry: process failed and skipped items again.
        command: the command line, for ``run.json``.
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
        output: the output folder; absolute, because the current folder may be deleted meanwhile.
        reports: paths of the files of all reports.
        problems: reports that could not be written, with the reason. The ledger holds all they
            need.
        completed: items processed in this run; the others were done before.
        failed: items that failed in this run.
        first_reason: why the first item of this run that failed or was skipped did; empty if none
            did.
        warned: predictions of this run that carry a warning.
        stopped: why the run ended early; empty if it did not.
        profile: where the time went; None if nothing was run.
        execution: what executed the network; None if nothing was run or the model does not say.
    """

    counts: dict[str, int]
    output: Path
    reports: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    completed: int = 0
    failed: int = 0
    first_reason: str = ""
    warned: int = 0
    stopped: str = ""
    profile: Profile | None = None
    execution: Execution | None = None

    def add(self, records: Sequence[Record]) -> None:
        """Count the records of a chunk."""
        self.completed += len(records)
        for record in records:
            self.counts["pending"] -= 1
            self.counts[state_of(record)] += 1
            self.failed += isinstance(record, Failed)
            if not isinstance(record, Prediction):
                self.first_reason = self.first_reason or record.reason
            self.warned += isinstance(record, Prediction) and bool(record.warnings)

    @property
    def exit_code(self) -> int:
        if self.stopped:
            return 3
        return 1 if self.counts["failed"] or self.problems else 0


ProgressCallback = Callable[[dict[str, int], int], None]
"""Called after each chunk with the counts and the number of items completed in this run."""


def run(pipeline: Pipeline, request: RunRequest, on_progress: ProgressCallback) -> Outcome:
    """Carry out a run, and return how it ended.

    The same request again resumes where the run stopped, or finds nothing left to do.

    Raises:
        UsageError: if an input does not exist or nothing was found.
        OutputError: if the output folder cannot be used, another run is using it, or its ledger is
            damaged.
        WeightsError: if the weights do not load.
    """
    counts = dict.fromkeys(("found", "ok", "failed", "skipped", "pending"), 0)
    outcome = Outcome(counts, request.output)
    partial_results = request.output / _PARTIAL_RESULTS

    def has_results() -> bool:  # partial ones need the ledger: it names their engine
        return bool(outcome.completed) or partial_results.exists()

    try:
        with (
            lock_folder(request.output, has_results) as outcome.output,
            closing(Ledger(outcome.output / LEDGER_FILE, pipeline.digest())) as ledger,
        ):
            _Run(pipeline, request, on_progress, ledger, outcome).carry_out()
    except (OSError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.DatabaseError) and is_corruption(error):
            raise damaged_ledger_error(request.output / LEDGER_FILE, error) from error
        outcome.stopped = describe_output_error(error, outcome.output)
        if not outcome.stopped:
            raise
    return outcome


@dataclass(frozen=True)
class _Run:
    """A run in its locked output folder."""

    pipeline: Pipeline
    request: RunRequest
    on_progress: ProgressCallback
    ledger: Ledger
    outcome: Outcome

    def carry_out(self) -> None:
        """Find the items, classify those that are pending, and write the reports."""
        pipeline, request, ledger, outcome = self.pipeline, self.request, self.ledger, self.outcome
        strict = pipeline.recipe.privacy == "strict"
        named = [*request.inputs, *map(str, request.lists)] or pipeline.recipe.input
        command, inputs = (WITHHELD, [WITHHELD]) if strict else (request.command, named)
        summary, stop_reason = Summary(command, inputs), ""
        take_stage_seconds()  # discard those of an earlier run in this process
        with StageTimer("find"):
            self._find()
        summary.lap("find")
        partial_results = outcome.output / _PARTIAL_RESULTS
        if pending := outcome.counts["pending"]:
            with StageTimer("load"):
                self._load_model()
            outcome.execution = pipeline.execution
            pipeline.keep_partial_results(partial_results)
            summary.lap("load")
            try:
                outcome.profile = self._classify_with_profile()
            except DiascopeError as error:
                if not outcome.completed:  # nothing was run
                    raise
                outcome.stopped = str(error)
                if strict:
                    stop_reason = f"{type(error).__name__}, its words {WITHHELD}"
            summary.lap("classify")
        if not outcome.counts["pending"] and partial_results.exists():
            shutil.rmtree(partial_results)  # they belong to items that changed or are gone
        if not pending and not ledger.changed:
            outcome.reports = existing_reports(ledger, pipeline, outcome.output)
            if outcome.reports:
                return
        stop_reason = stop_reason or outcome.stopped
        summary.finish(outcome.counts, outcome.completed, stop_reason, outcome.profile)
        with StageTimer("report"):
            outcome.reports, outcome.problems = write_reports(
                pipeline, ledger, summary, outcome.output
            )
        if outcome.profile is not None:
            spent = outcome.profile.spent | take_stage_seconds()
            outcome.profile = replace(outcome.profile, spent=spent)

    def _find(self) -> None:
        """Add the items that are found to the ledger.

        Raises:
            UsageError: if there are none.
        """
        request, ledger, outcome = self.request, self.ledger, self.outcome
        ledger.add_items(  # no other reference to the search: with a limit, it ends here
            find_inputs(
                self.pipeline.recipe, request.inputs, request.lists, exclude=outcome.output
            ),
            retry=request.retry,
            limit=request.limit,
        )
        outcome.counts, outcome.failed = ledger.counts(), ledger.failed_on_entry
        if not outcome.counts["found"]:
            hint = "Name files, folders or globs. If they held some before, is their disk mounted?"
            raise UsageError("the inputs hold no files", hint=hint)
        for warning in outdated_warnings(ledger, self.pipeline.deciding_facts()):
            warn(warning, stacklevel=2)

    def _load_model(self) -> None:
        """Load the model, into the engine that gave the earlier answers of this folder if any did.

        Raises:
            RecipeError: if that engine is no longer available.
        """
        pipeline, ledger = self.pipeline, self.ledger
        if engine := ledger.load_current(_ENGINE, ()):
            pipeline.engine = engine[0], engine[1]
        try:
            pipeline.load()
        except RecipeError as error:
            if not engine:
                raise
            message = f"the answers in this folder come from {' '.join(engine)}: {error.message}"
            hint = "Install it, or name another folder with --output."
            raise RecipeError(message, where=error.where, hint=hint) from error
        if pipeline.engine is not None:
            ledger.store_current(_ENGINE, pipeline.engine)
        note_execution(ledger, pipeline)

    def _classify_with_profile(self) -> Profile:
        """Classify the pending items, and return where the time went."""
        pipeline, outcome = self.pipeline, self.outcome
        automatic = available_cores() if outcome.counts["pending"] > pipeline.batch else 0
        before, start, cpu = take_stage_seconds(), time.perf_counter(), time.process_time()
        self._classify()
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

    def _classify(self) -> None:
        pipeline, ledger, outcome = self.pipeline, self.ledger, self.outcome
        self.on_progress(outcome.counts, 0)
        if self._exceeds_failure_limit():  # such as by missing files of a list
            return
        has_noted_versions = False
        with closing(run_executor(pipeline, ledger.pending_chunks(pipeline.batch))) as chunks:
            for records in chunks:
                with StageTimer("digest"):
                    contents = [content_digest(r.item) if was_read(r) else "" for r in records]
                if not has_noted_versions and any(isinstance(r, Prediction) for r in records):
                    has_noted_versions = True
                    note_versions(ledger, pipeline.parts)
                    for warning in mixed_version_warnings(ledger):
                        warn(warning, stacklevel=2)
                with StageTimer("ledger"):
                    ledger.record(list(zip(records, contents, strict=True)))
                    for record in records:
                        pipeline.forget_partial_results(record.item)
                outcome.add(records)
                self.on_progress(outcome.counts, outcome.completed)
                if self._exceeds_failure_limit():
                    return
        if outcome.counts["pending"]:
            outcome.stopped = f"the executor left {outcome.counts['pending']} items undone"

    def _exceeds_failure_limit(self) -> bool:
        """Whether too many items have failed and some are pending; note why in the outcome."""
        allowed, outcome = self.request.max_failures, self.outcome
        if allowed is None or outcome.failed <= allowed or not outcome.counts["pending"]:
            return False
        items, are = "item" if outcome.failed == 1 else "items", "is" if allowed == 1 else "are"
        outcome.stopped = f"{outcome.failed} {items} failed, {allowed} {are} allowed"
        return True
