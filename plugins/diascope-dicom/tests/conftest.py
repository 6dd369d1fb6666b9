"""Real headers with made-up answers, third-party tools, and a real Orthanc."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import requests
from fsspec import AbstractFileSystem
from pydicom import dcmread, examples
from pydicom.data import get_testdata_file

from diascope.sample import Evidence, Item, Prediction
from diascope_dicom.filesystem import DicomwebFileSystem, DicomwebHttpFileSystem

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SCORES = {"pneumonia": 0.8123456789012345, "fluid": 1 / 3}
PATIENCE_S = 60
ENDLESS = 20  # searches that come to no end
LABELS = [
    {
        "name": "pneumonia",
        "title": "Pneumonia",
        "codes": {"RADLEX": "RID5350", "SCT": "233604007"},
        "operating_point": 0.31,
    },
    {"name": "fluid", "title": "Flüssigkeit", "codes": {}, "operating_point": None},
]


@pytest.fixture
def run() -> dict[str, Any]:
    """The part of a ``run.json`` that results need."""
    card = {
        "name": "findings",
        "task": "multilabel",
        "labels": LABELS,
        "operating_rule": "Youden",
        "score_kind": "probability",
    }
    return {
        "recipe": {"privacy": "none"},
        "card": card,
        "weights": {"model": "findings-model", "digest": "ab" * 32},
        "digest": "cd" * 32,
        "versions": {"diascope": "0.1.0"},
    }


@pytest.fixture
def answer() -> Callable[..., Prediction]:
    """Return a function that makes an answer with an evidence map for a file."""

    def answer(path: Path | str, **fields: Any) -> Prediction:
        random = np.random.default_rng(5)
        made: dict[str, Any] = {
            "item": Item(Path(path).name, str(path)),
            "scores": SCORES,
            "score_kind": "probability",
            "predicted": ("pneumonia",),
            "evidence": (Evidence("pneumonia", random.normal(size=(7, 7)).astype("f4"), 1.0, 0.0),),
            "preview": random.integers(0, 255, (60, 48, 3)).astype(np.uint8),
        }
        return Prediction(**(made | fields))

    return answer


@pytest.fixture
def radiograph() -> Path:
    """A real radiograph from pydicom-data."""
    found = get_testdata_file("RG1_UNCR.dcm", download=False)
    if found is None:
        pytest.skip("needs pydicom-data")
    return Path(str(found))


@pytest.fixture
def tomogram() -> Path:
    """A small CT slice that comes with pydicom."""
    return Path(str(examples.get_path("ct")))


@pytest.fixture
def changed(tmp_path: Path, tomogram: Path) -> Callable[..., Path]:
    """Return a function that writes the CT slice with other values; None removes one."""

    def changed(**values: Any) -> Path:
        dataset = dcmread(tomogram)
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        path = tmp_path / f"changed-{len(list(tmp_path.iterdir()))}.dcm"
        dataset.save_as(path)
        return path

    return changed


@pytest.fixture
def tool() -> Callable[..., str]:
    """Return a function that runs a program and returns its output.

    Skips the test where it is missing; fails if ``DIASCOPE_REQUIRE`` (comma separated) names it.
    """

    def tool(name: str, *arguments: Any) -> str:
        _needed(name, shutil.which(name))
        done = subprocess.run(
            [name, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    return tool


class Orthanc(NamedTuple):
    """A running Orthanc: host and port, its DICOMweb URL, and its DICOM port."""

    host: str
    url: str
    port: int


@pytest.fixture(scope="module")
def open_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An empty Orthanc that anyone may use."""
    yield from _orthanc(tmp_path_factory.mktemp("orthanc"), {"AuthenticationEnabled": False})


@pytest.fixture(scope="module")
def locked_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc with one user, alice, whose password is s3cret."""
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"alice": "s3cret"}}
    yield from _orthanc(tmp_path_factory.mktemp("orthanc"), users)


class Pacs(HTTPServer):
    """A fake service that answers each POST with the next of its answers, and repeats the last one.

    Attributes:
        answers: status, content type and body.
        posted: the length of the body of each POST.
        found_uids: SOP Instance UIDs that every search finds, from any offset.
        found_attributes: attributes of everything that is found, in the DICOM JSON model.
        searches: the path of each GET.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self.server_port}/rs"
        self.answers: list[tuple[int, str, str]] = []
        self.posted: list[int] = []
        self.found_uids: list[str] = []
        self.found_attributes: dict[str, Any] = {}
        self.searches: list[str] = []


class _Answering(BaseHTTPRequestHandler):
    server: Pacs

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.posted.append(len(self.rfile.read(length)))
        answers = self.server.answers
        self._answer(*(answers.pop(0) if len(answers) > 1 else answers[0]))

    def do_GET(self) -> None:
        self.server.searches.append(self.path)
        found = [
            {"00080018": {"vr": "UI", "Value": [uid]}} | self.server.found_attributes
            for uid in self.server.found_uids
        ]
        status = 200 if len(self.server.searches) < ENDLESS else 400
        self._answer(status, "application/dicom+json", json.dumps(found))

    def _answer(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def pacs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pacs]:
    """A running fake service; pauses before retries are short."""
    monkeypatch.setattr("diascope_dicom.service._PAUSE_MS", 1)
    with Pacs() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Hide the machine's credentials and proxies, and clear cached clients."""
    for name in ("TOKEN", "USER", "PASSWORD"):
        monkeypatch.delenv(f"DIASCOPE_DICOMWEB_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    yield
    systems: tuple[type[AbstractFileSystem], ...] = (DicomwebFileSystem, DicomwebHttpFileSystem)
    for system in systems:
        system.clear_instance_cache()


def _orthanc(folder: Path, users: dict[str, Any]) -> Iterator[Orthanc]:
    _needed("Orthanc", shutil.which("Orthanc"))
    _needed("Orthanc", PLUGIN.exists())
    http, dicom = _free_port(), _free_port()
    places = {"StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db")}
    ports = {"HttpPort": http, "DicomPort": dicom, "DicomAet": "ORTHANC"}
    more = {"Plugins": [str(PLUGIN)], "RemoteAccessAllowed": False, "OverwriteInstances": False}
    (folder / "orthanc.json").write_text(json.dumps(places | ports | more | users))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["Orthanc", str(folder / "orthanc.json")], stdout=log, stderr=log
        )
    try:
        _wait(process, http, folder / "log")
        yield Orthanc(f"localhost:{http}", f"http://localhost:{http}/dicom-web", dicom)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        try:
            requests.get(f"http://127.0.0.1:{port}/system", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"Orthanc did not start: {log.read_text()[-500:]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _needed(name: str, there: object) -> None:
    if there:
        return
    if name in os.environ.get("DIASCOPE_REQUIRE", "").split(","):
        pytest.fail(f"DIASCOPE_REQUIRE names {name}, but it is not installed")
    pytest.skip(f"needs {name}")
