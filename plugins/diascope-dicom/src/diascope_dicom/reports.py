"""DICOM results as files, each named by its SOP Instance UID, and a table of all."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from diascope.sample import Record
from diascope_dicom.capture import secondary_capture
from diascope_dicom.parametric import parametric_maps
from diascope_dicom.results import COLUMNS, results
from diascope_dicom.structured import structured_report


@dataclass(frozen=True)
class DicomSr:
    """``dicom-sr/UID.dcm``: a structured report (TID 1500) for each DICOM item.

    ``dicom-sr.csv``: item, state (ok, failed, left out), file, reason.
    """

    api: ClassVar = (1, 0)
    name: ClassVar = "dicom-sr"
    make: ClassVar = staticmethod(structured_report)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        table = directory / f"{self.name}.csv"
        (directory / self.name).mkdir(exist_ok=True)
        files: dict[Path, None] = {table: None}  # two results may have one file
        with table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for result in results(self.make, run, records):
                name = ""
                if result.dataset is not None:
                    name = f"{self.name}/{result.dataset.SOPInstanceUID}.dcm"
                    (directory / name).write_bytes(result.content)
                    files[directory / name] = None
                rows.writerow([result.item, result.state, name, result.reason])
        return list(files)


@dataclass(frozen=True)
class DicomSc(DicomSr):
    """``dicom-sc/UID.dcm``: a Secondary Capture with the evidence map for each DICOM item.

    ``dicom-sc.csv``: item, state (ok, failed, left out), file, reason.
    """

    name: ClassVar = "dicom-sc"
    make: ClassVar = staticmethod(secondary_capture)


@dataclass(frozen=True)
class DicomPm(DicomSr):
    """``dicom-pm/UID.dcm``: for each DICOM slide a Parametric Map a label, a pixel for each tile.

    ``dicom-pm.csv``: item, state (ok, failed, left out), file, reason.
    """

    api: ClassVar = (1, 2)
    name: ClassVar = "dicom-pm"
    make: ClassVar = staticmethod(parametric_maps)
