"""Send DICOM results to a DICOMweb service by STOW-RS."""

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
_RETRY_HINT = "The same command sends again; what is already stored stays unchanged."


@dataclass(frozen=True)
class DicomwebStore:
    """Store the results of every DICOM item in a DICOMweb service.

    Results that are sent twice are identical. ``dicomweb-store.csv``: item, kind, state (ok,
    failed, left out), sop_instance_uid, reason. Credentials come from DIASCOPE_DICOMWEB_TOKEN, or
    from _USER and _PASSWORD, or from netrc.

    Args:
        url: URL of the service, such as ``https://pacs.example.org/dicom-web``.
        send: kinds of results to send: structured reports (sr), Secondary Captures (sc),
            Parametric Maps of slides (pm).
        file: name of the table in the output folder; each store of a recipe needs its own.
    """

    url: str
    send: tuple[Literal["sr", "sc", "pm"], ...] = ("sr", "sc")
    file: str = "dicomweb-store.csv"
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        try:
            service_url(self.url)
        except ValueError as error:
            raise ValueError(f"url: {error}") from error
        if Path(self.file).name != self.file:
            raise ValueError(f"file must be a plain file name, got {self.file!r}")

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Send the results one by one, and write the outcome of each to the table.

        Raises:
            OutputError: after all results, if one could not be made or stored; at once, if the
                service denies access or cannot be reached.
        """
        table = directory / self.file
        faults: list[str | None] = []
        with table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["item", "kind", "state", "sop_instance_uid", "reason"])
            for kind, result, fault in self._send(run, records):
                uid = result.dataset.SOPInstanceUID if result.dataset is not None else ""
                outcome = ("failed", uid, fault) if fault else (result.state, uid, result.reason)
                rows.writerow([result.item, kind, *outcome])
                faults.append(f"{kind} of {result.item}: {fault}" if fault else None)
        if failed := [fault for fault in faults if fault]:
            raise OutputError(
                f"{len(failed)} of {len(faults)} results were not stored; the first: {failed[0]}",
                where=self.url,
                hint=_RETRY_HINT,
            )
        return [table]

    def _send(
        self, run: Mapping[str, Any], records: Iterable[Record]
    ) -> Iterator[tuple[str, Result, str]]:
        """Send all results; yield each one's kind, the result, and why it was not stored."""
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
            raise OutputError(reason_of(error), hint=_RETRY_HINT) from error
