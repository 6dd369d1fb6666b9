"""Write DICOM results as files named by their SOP Instance UID, and a table of all results."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from diascope.display_text import plural
from diascope.errors import OutputError
from diascope.sample import Record
from diascope_dicom.parametric_map import parametric_maps
from diascope_dicom.results import COLUMNS, Result, ResultMaker, results
from diascope_dicom.secondary_capture import secondary_capture
from diascope_dicom.structured_report import structured_report


@dataclass(frozen=True)
class DicomSr:
    """``dicom-sr/UID.dcm``: a structured report (TID 1500) for each DICOM item.

    ``dicom-sr.csv``: item, state (ok, failed, left out), file, reason.
    """

    api: ClassVar = (1, 0)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        return _write("dicom-sr", structured_report, run, records, directory)


@dataclass(frozen=True)
class DicomSc:
    """``dicom-sc/UID.dcm``: a Secondary Capture with the evidence map for each DICOM item.

    ``dicom-sc.csv``: item, state (ok, failed, left out), file, reason.
    """

    api: ClassVar = (1, 0)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        return _write("dicom-sc", secondary_capture, run, records, directory)


@dataclass(frozen=True)
class DicomPm:
    """``dicom-pm/UID.dcm``: Parametric Maps of each DICOM slide, one per label, a pixel per tile.

    ``dicom-pm.csv``: item, state (ok, failed, left out), file, reason.
    """

    api: ClassVar = (1, 2)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        return _write("dicom-pm", parametric_maps, run, records, directory)


def _write(
    name: str, make: ResultMaker, run: Mapping[str, Any], records: Iterable[Record], directory: Path
) -> list[Path]:
    """Write the results and their table, and return the paths of both.

    Raises:
        OutputError: if sources could not be read. It is raised at the end: the table and the
            results of all other sources have been written.
    """
    table = directory / f"{name}.csv"
    (directory / name).mkdir(exist_ok=True)
    files, unreachable = [], 0
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for result in results(make, run, records):
            path = _save(result, directory / name)
            file_name = path.relative_to(directory).as_posix() if path else ""
            rows.writerow([result.item, result.state, file_name, result.reason])
            files += [path] if path else []
            unreachable += result.source_unreachable
    if unreachable:
        raise OutputError(
            f"the files of {plural(unreachable, 'answer')} could not be read, see {table.name}",
            hint="The same command tries again.",
        )
    return [table, *dict.fromkeys(files)]


def _save(result: Result, folder: Path) -> Path | None:
    if result.dataset is None:
        return None
    path = folder / f"{result.dataset.SOPInstanceUID}.dcm"
    path.write_bytes(result.content)
    return path
