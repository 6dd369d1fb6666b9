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
from diascope.output import move_files, target_paths, write_atomically
from diascope.output_errors import is_disk_full
from diascope.pipeline import Pipeline
from diascope.plugins import failure_reason
from diascope.preparation import Part
from diascope.privacy import WITHHELD, redact_record, remove_error_text
from diascope.profile import Profile
from diascope.sample import Record
from diascope.versions import latest_versions, library_versions, mixed_version_warnings

RUN_FILE = "run.json"
_FACT = "reports"
_EXECUTION = "execution"


class Summary:
    """What a run was: its command, its seconds, how it ended."""

    def __init__(self, command: str, inputs: Sequence[str]) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}
        self._facts: dict[str, Any] = {
            "command": command,
            "inputs": list(map(as_utf8, inputs)),
            "started": _now(),
        }

    def lap(self, name: str) -> None:
        """Note the seconds since the last lap."""
        now = time.perf_counter()
        self._laps[name] = round(now - self._last, 3)
        self._last = now

    def finish(
        self, counts: dict[str, int], worked: int, stopped: str, profile: Profile | None = None
    ) -> None:
        """Note how the run ended and where its time went, before the reports are written."""
        seconds = round(time.perf_counter() - self._start, 3)
        rate = worked / max(self._laps.get("classify", 0.0), 0.001)
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
            "execution": _execution(ledger),
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
    """Remember what executes the loaded model, for runs that find nothing left to classify."""
    execution = pipeline.execution
    told = execution and asdict(execution) | {"devices": pipeline.devices}
    ledger.store_text(_EXECUTION, json.dumps([ledger.digest, told]))


def _execution(ledger: Ledger) -> dict[str, Any] | None:
    """Return what executed the model that gave the answers; None if it does not say."""
    digest, told = ledger.load_json(_EXECUTION, ["", None])
    return told if digest == ledger.digest else None


def write_reports(
    pipeline: Pipeline, ledger: Ledger, summary: Summary, output: Path
) -> tuple[list[Path], list[str]]:
    """Write every report of the recipe and ``run.json``; return the files, and what went wrong.

    A report that raises does not stop the others. It leaves nothing behind, unless what it raises
    is an ``OutputError``: then its files are whole, and say what became of the rest.

    Raises:
        OSError: if the disk is full; the same command then writes them anew.
    """
    for left in output.glob(".part-*"):  # of a run that was killed; the lock is ours
        shutil.rmtree(left)
    strict = pipeline.recipe.privacy == "strict"
    run = json.loads(
        mask_credentials(json.dumps(summary.plain(pipeline, ledger), ensure_ascii=False))
    )
    known, taken = _remembered(ledger)[1], dict[Path, str]()
    problems: list[str] = []
    for part in pipeline.reports:
        with tempfile.TemporaryDirectory(prefix=".part-", dir=output) as staging:
            try:
                told = deepcopy(run)  # what one does to it is nothing to the others
                fault = _fault(part.instance, told, _Records(ledger, strict), Path(staging))
                if fault is not None:
                    problems.append(_problem(part, fault, strict))
                places = target_paths(output, Path(staging), taken)
                known |= dict.fromkeys(_names(places.values(), output))
                ledger.store_text(_FACT, json.dumps(["", known]))  # a kill leaves none unknown
                move_files(places)
                taken |= dict.fromkeys(places.values(), part.plugin.title)
            except ENDS:
                raise
            except BaseException as error:  # a stranger's report may raise anything
                if is_disk_full(error):
                    raise
                problems.append(_problem(part, error, strict))
    text = json.dumps(run | {"problems": problems}, indent=1, ensure_ascii=False)
    write_atomically(output / RUN_FILE, mask_credentials(text))
    names = [*_names(taken, output), RUN_FILE]
    older = known.keys() - set(names)  # such as shards of a longer run
    if problems:
        names += sorted(older)
    else:
        for path in (output / name for name in older):
            if path.is_file() or path.is_symlink():  # and no folder that somebody put there
                path.unlink()
    sizes = {name: _size(output / name) for name in names}
    ledger.store_text(_FACT, json.dumps(["" if problems else _wanted(pipeline), sizes]))
    if not run["stopped"]:  # else the next run tells that it went on to the end
        ledger.mark_reported()
    return list(taken), problems


def existing_reports(ledger: Ledger, pipeline: Pipeline, output: Path) -> list[Path]:
    """Return the files of these very reports if all are there as they were written, else none."""
    wanted, sizes = _remembered(ledger)
    if wanted != _wanted(pipeline):
        return []
    whole = all(_size(output / name) == size for name, size in sizes.items())
    return [output / name for name in sizes if name != RUN_FILE] if whole else []


def _remembered(ledger: Ledger) -> tuple[str, dict[str, int | None]]:
    """Return what decided the content of the last reports, and name to size of their files."""
    wanted, sizes = ledger.load_json(_FACT, ["", {}])
    return wanted, sizes if isinstance(sizes, dict) else dict.fromkeys(sizes)  # once without sizes


def _names(paths: Iterable[Path], output: Path) -> list[str]:
    return [str(path.relative_to(output)) for path in paths]


def _size(path: Path) -> int | None:
    """Return the bytes of a file; None if it is not there."""
    return path.stat().st_size if path.exists() else None


@dataclass(frozen=True)
class _Records:
    """The ledger's records, as an iterable that can be gone through more than once."""

    ledger: Ledger
    strict: bool

    def __iter__(self) -> Iterator[Record]:
        records = self.ledger.records()
        return map(redact_record, records) if self.strict else records


def _fault(
    report: Report, run: Mapping[str, Any], records: Iterable[Record], staging: Path
) -> OutputError | None:
    """Let a report write its files; return what it could not do although they are whole.

    Raises:
        TypeError: if it does not say what it wrote.
        FileNotFoundError: if it names a file that it did not write into its directory.
    """
    try:
        with ExitStack() as back:  # a report that goes elsewhere takes nobody with it
            with suppress(FileNotFoundError):  # the current folder is gone
                back.enter_context(chdir("."))
            written = report.write(run, records, staging)
            named = None if written is None else [staging / path for path in written]
    except OutputError as error:
        return error
    if named is None:  # what a stranger's report returned
        raise TypeError("write returned None, not the paths of what it wrote")
    for path in named:
        if not path.resolve().is_relative_to(staging.resolve()):
            raise FileNotFoundError(f"it names {path}, which lies outside its directory")
        if not path.exists():
            raise FileNotFoundError(f"it names {path.name}, which is not there")
    return None


def _problem(part: Part[Report], error: BaseException, strict: bool) -> str:
    """Say plainly why; where privacy is strict, not in the words of a stranger's error."""
    kind, reason = type(error).__name__, failure_reason(part.plugin, error)
    if strict and isinstance(error, DiascopeError):  # it may quote another
        own = f"{kind}: "
        reason = own + remove_error_text(reason.removeprefix(own))
    elif strict:
        reason = f"{kind}, its words {WITHHELD}"
    return f"the {part.plugin.title} could not be written: {reason}"


def _wanted(pipeline: Pipeline) -> str:
    """Return what decides the content of the reports."""
    recipe, card = pipeline.recipe, pipeline.model.instance.card.plain()
    versions = [(part.plugin.name, part.plugin.version) for part in pipeline.reports]
    return json.dumps([pipeline.digest(), recipe.name, recipe.plain()["report"], versions, card])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
