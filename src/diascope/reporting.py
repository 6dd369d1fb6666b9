"""Write the reports of a run, and ``run.json``."""

import json
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, suppress
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diascope.contracts import Report
from diascope.display_text import as_utf8, mask_credentials
from diascope.errors import ENDS, DiascopeError, OutputError
from diascope.ledger import Ledger
from diascope.output import RUN_FILE, move_files, target_paths, write_atomically
from diascope.output_errors import is_disk_full
from diascope.pipeline import Pipeline
from diascope.plugins import failure_reason
from diascope.preparation import Part
from diascope.privacy import WITHHELD, redact_record, remove_error_text
from diascope.profile import Profile
from diascope.sample import Record
from diascope.versions import latest_versions, library_versions, mixed_version_warnings

_REPORTS = "reports"
_EXECUTION = "execution"


class Summary:
    """Facts of a run for ``run.json``: its command, its timings, how it ended."""

    def __init__(self, command: str, inputs: Sequence[str]) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}
        self._facts: dict[str, Any] = {
            "command": command,
            "inputs": list(map(as_utf8, inputs)),
            "started": _now(),
        }

    def lap(self, name: str) -> None:
        """Record the seconds since the last lap."""
        now = time.perf_counter()
        self._laps[name] = round(now - self._last, 3)
        self._last = now

    def finish(
        self, counts: dict[str, int], completed: int, stopped: str, profile: Profile | None = None
    ) -> None:
        """Record how the run ended and where its time went, before the reports are written."""
        seconds = round(time.perf_counter() - self._start, 3)
        rate = completed / max(self._laps.get("classify", 0.0), 0.001)
        self._facts |= {
            "finished": _now(),
            "counts": counts,
            "stopped": stopped,
            "timings": {"seconds": seconds, "items_per_second": round(rate, 2), **self._laps}
            | ({} if profile is None else {"profile": profile.plain()}),
        }

    def plain(self, pipeline: Pipeline, ledger: Ledger) -> dict[str, Any]:
        """Return the content of ``run.json``."""
        card = pipeline.model.instance.card
        parts = (*pipeline.parts, *pipeline.reports, pipeline.executor)
        return {
            "recipe": pipeline.recipe.plain(),
            "digest": pipeline.digest(),
            "weights": {"model": pipeline.model.plugin.name, "digest": card.digest},
            "execution": ledger.load_current(_EXECUTION),
            "card": card.plain(),
            "versions": library_versions(parts)
            | latest_versions(ledger)
            | {part.plugin.distribution: part.plugin.version for part in parts}
            | {"python": platform.python_version()},
            "host": {"platform": platform.platform(), "processor": platform.machine()},
            "warnings": [*pipeline.warnings, *mixed_version_warnings(ledger)],
            **self._facts,
        }


def note_execution(ledger: Ledger, pipeline: Pipeline) -> None:
    """Store what executes the loaded model, for runs that find nothing left to classify."""
    execution = pipeline.execution
    facts = execution and asdict(execution) | {"devices": pipeline.devices}
    ledger.store_current(_EXECUTION, facts)


def write_reports(
    pipeline: Pipeline, ledger: Ledger, summary: Summary, output: Path
) -> tuple[list[Path], list[str]]:
    """Write every report of the recipe and ``run.json``; return the files and the problems.

    A report that raises does not stop the others, and leaves no files behind. An ``OutputError``
    is different: the report's files are complete and are kept, and the error says what else went
    wrong.

    Raises:
        OSError: if the disk is full; the same command then writes them anew.
    """
    for leftover in output.glob(".part-*"):  # of a run that was killed; we hold the lock
        shutil.rmtree(leftover)
    strict = pipeline.recipe.privacy == "strict"
    run = json.loads(
        mask_credentials(json.dumps(summary.plain(pipeline, ledger), ensure_ascii=False))
    )
    known = _last_reports(ledger)[1]
    written: dict[Path, str] = {}
    problems: list[str] = []
    for part in pipeline.reports:
        with tempfile.TemporaryDirectory(  # Windows deletes no file that a report left open
            prefix=".part-", dir=output, ignore_cleanup_errors=True
        ) as staging:
            try:
                facts = deepcopy(run)  # so that no report changes those of the others
                records = _RecordStream(ledger, strict)
                problem = _write_report(part.instance, facts, records, Path(staging))
                if problem is not None:
                    problems.append(_describe_problem(part, problem, strict))
                targets = target_paths(output, Path(staging), written)
                # stored before the move, so that no file is unknown if the run is killed
                known |= dict.fromkeys(_relative_names(targets.values(), output))
                ledger.store_text(_REPORTS, json.dumps(["", known]))
                move_files(targets)
                written |= dict.fromkeys(targets.values(), part.plugin.title)
            except ENDS:
                raise
            except BaseException as error:  # a third party's report may raise anything
                if is_disk_full(error):
                    raise
                problems.append(_describe_problem(part, error, strict))
    text = json.dumps(run | {"problems": problems}, indent=1, ensure_ascii=False)
    write_atomically(output / RUN_FILE, mask_credentials(text))
    names = [*_relative_names(written, output), RUN_FILE]
    outdated = known.keys() - set(names)  # such as shards of a longer run
    if problems:
        names += sorted(outdated)
    else:
        new = {name.casefold(): output / name for name in names}
        for name in outdated:
            path, renamed = output / name, new.get(name.casefold())
            if renamed is not None and path.exists() and path.samefile(renamed):
                continue  # the disk ignores case
            if path.is_file() or path.is_symlink():  # not a folder that somebody put there
                _remove(path, output)
    sizes = {name: _file_size(output / name) for name in names}
    ledger.store_text(_REPORTS, json.dumps(["" if problems else _content_key(pipeline), sizes]))
    if not run["stopped"]:  # else the next run must report that it reached the end
        ledger.mark_reported()
    return list(written), problems


def _remove(path: Path, output: Path) -> None:
    """Delete a file, and the folders inside the output folder that are then empty."""
    path.unlink()
    with suppress(OSError):  # the first one that is not empty
        for folder in path.relative_to(output).parents[:-1]:
            (output / folder).rmdir()


def existing_reports(ledger: Ledger, pipeline: Pipeline, output: Path) -> list[Path]:
    """Return the report files of the last run if they are current and unchanged, else none."""
    key, sizes = _last_reports(ledger)
    if key != _content_key(pipeline):
        return []
    intact = all(_file_size(output / name) == size for name, size in sizes.items())
    return [output / name for name in sizes if name != RUN_FILE] if intact else []


def _last_reports(ledger: Ledger) -> tuple[str, dict[str, int | None]]:
    """Return the content key of the last reports, and the sizes of their files by name."""
    key, sizes = ledger.load_json(_REPORTS, ["", {}])
    return key, sizes


def _relative_names(paths: Iterable[Path], output: Path) -> list[str]:
    return [path.relative_to(output).as_posix() for path in paths]


def _file_size(path: Path) -> int | None:
    """Return a file's size in bytes; None if it does not exist."""
    return path.stat().st_size if path.exists() else None


@dataclass(frozen=True)
class _RecordStream:
    """The ledger's records, as an iterable that can be iterated more than once."""

    ledger: Ledger
    strict: bool

    def __iter__(self) -> Iterator[Record]:
        records = self.ledger.records()
        return map(redact_record, records) if self.strict else records


def _write_report(
    report: Report, run: Mapping[str, Any], records: Iterable[Record], staging: Path
) -> OutputError | None:
    """Let a report write its files; return its OutputError, with which its files are kept.

    Raises:
        TypeError: if it does not return the paths of its files.
        FileNotFoundError: if it names a file that is not in its directory.
    """
    try:
        with ExitStack() as stack:  # restores the current folder if the report changes it
            with suppress(FileNotFoundError):  # the current folder was deleted
                stack.enter_context(chdir("."))
            written = report.write(run, records, staging)
            is_valid = isinstance(written, Iterable) and not isinstance(written, str)
            named = [staging / path for path in written] if is_valid else None
    except OutputError as error:
        return error
    if named is None:
        raise TypeError(f"write returned {written!r}, not the paths of what it wrote")
    for path in named:
        if not path.resolve().is_relative_to(staging.resolve()):
            raise FileNotFoundError(f"it names {path}, which is outside its directory")
        if not path.exists():
            raise FileNotFoundError(f"it names {path.name}, which does not exist")
    return None


def _describe_problem(part: Part[Report], error: BaseException, strict: bool) -> str:
    """Return why a report could not be written; with strict privacy, quote no other error."""
    kind, reason = type(error).__name__, failure_reason(part.plugin, error)
    if strict and isinstance(error, DiascopeError):  # it may quote another error
        own = f"{kind}: "
        reason = own + remove_error_text(reason.removeprefix(own))
    elif strict:
        reason = f"{kind}, its words {WITHHELD}"
    return f"the {part.plugin.title} could not be written: {reason}"


def _content_key(pipeline: Pipeline) -> str:
    """Return a text that differs if the reports' content would."""
    recipe, card = pipeline.recipe, pipeline.model.instance.card.plain()
    versions = [(part.plugin.name, part.plugin.version) for part in pipeline.reports]
    return json.dumps([pipeline.digest(), recipe.name, recipe.plain()["report"], versions, card])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
