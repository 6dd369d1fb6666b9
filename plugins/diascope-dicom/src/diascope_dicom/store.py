"""DICOM results to a DICOMweb service, by STOW-RS."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from diascope.errors import OutputError, reason_of
from diascope.sample import Record
from diascope_dicom.delivery import deliver
from diascope_dicom.parametric_map import parametric_maps
from diascope_dicom.results import Result, ResultMaker, results
from diascope_dicom.secondary_capture import secondary_capture
from diascope_dicom.service import create_client, service_url, translate_errors
from diascope_dicom.structured_report import structured_report

_MAKES: Mapping[str, ResultMaker] = {
    "sr": structured_report,
    "sc": secondary_capture,
    "pm": parametric_maps,
}
_AGAIN = "The same command sends again; what is stored already stays as it is."


@dataclass(frozen=True)
class DicomwebStore:
    """Store the results of every DICOM item in a DICOMweb service; sent twice, they are the same.

    ``dicomweb-store.csv``: item, kind, state (ok, failed, left out), sop_instance_uid, reason.
    Credentials come from DIASCOPE_DICOMWEB_TOKEN, or _USER and _PASSWORD, or from netrc.

    Args:
        url: of the service, such as ``https://pacs.example.org/dicom-web``.
        send: what is sent: structured reports (sr), Secondary Captures (sc), Parametric Maps of
            slides (pm).
        file: name of the table within the output folder; each store of a recipe needs its own.
    """

    url: str
    send: tuple[Literal["sr", "sc", "pm"], ...] = ("sr", "sc")
    file: str = "dicomweb-store.csv"
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        service_url(self.url)
        if Path(self.file).name != self.file:
            raise ValueError(f"file must be a plain file name, got {self.file!r}")

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Send one result after the other, and write what became of each.

        Raises:
            OutputError: if a result could not be made or was not taken, once all were tried; at
                once, if the service refuses us or is not there.
        """
        table = directory / self.file
        faults: list[str | None] = []
        with table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["item", "kind", "state", "sop_instance_uid", "reason"])
            for kind, result, fault in self._sent(run, records):
                uid = result.dataset.SOPInstanceUID if result.dataset is not None else ""
                end = ("failed", uid, fault) if fault else (result.state, uid, result.reason)
                rows.writerow([result.item, kind, *end])
                faults.append(f"{kind} of {result.item}: {fault}" if fault else None)
        if told := [fault for fault in faults if fault]:
            raise OutputError(
                f"{len(told)} of {len(faults)} results were not stored; the first: {told[0]}",
                where=self.url,
                hint=_AGAIN,
            )
        return [table]

    def _sent(
        self, run: Mapping[str, Any], records: Iterable[Record]
    ) -> Iterator[tuple[str, Result, str]]:
        """Yield kind, result and what went wrong, if anything."""
        url = service_url(self.url)
        try:
            with translate_errors(url):
                client = create_client(url)
                for kind in self.send:
                    for result in results(_MAKES[kind], run, records):
                        fault = result.reason if result.state == "failed" else ""
                        if result.dataset is not None:
                            fault = deliver(client, result.dataset)
                        yield kind, result, fault
        except (PermissionError, ConnectionError) as error:
            raise OutputError(reason_of(error), hint=_AGAIN) from error
