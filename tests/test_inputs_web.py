"""Inputs by the addresses of web servers."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from diascope.display_text import mask_credentials
from diascope.errors import UsageError, reason_of
from diascope.inputs import find_items
from diascope.ledger import Ledger
from diascope.sample import Failed, Item, Prediction


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve a folder with one picture; yield its address."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.png").write_bytes(b"content of c")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

        def send_head(self) -> Any:
            """Answer ``/status/503`` with 503, a late signature with 403, ``/dropped`` not."""
            if self.path.rstrip("/").endswith("sig=late"):
                self.send_error(403)
                return None
            if self.path.startswith("/status/"):
                self.send_error(int(self.path.split("/")[2].partition("?")[0]))
                return None
            if self.path.startswith("/dropped"):
                self.close_connection = True
                return None
            return super().send_head()

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_a_web_address_is_one_item(server: str) -> None:
    (found,) = find_items([f"{server}/sub/c.png"])
    assert found.item.id == "c.png"
    with found.item.open() as file:
        assert file.read() == b"content of c"


def test_a_web_address_where_nothing_exists_is_an_error(server: str) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.png"):
        list(find_items([f"{server}/nowhere.png"]))


def test_a_web_address_with_a_bracket_is_found_if_the_bracket_is_percent_encoded(
    server: str, tmp_path: Path
) -> None:
    (tmp_path / "scan[1].png").write_bytes(b"content")
    (found,) = find_items([f"{server}/scan%5B1%5D.png"])
    with found.item.open() as file:
        assert file.read() == b"content"
    with pytest.raises(UsageError, match="for the character itself write %5B"):
        list(find_items([f"{server}/scan[1].png"]))


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("status/404", "there is nothing at http"),
        ("status/403?sig=late", "status/403/? cannot be listed: 403 Forbidden"),
        ("sub/c.png?sig=late", "c.png/? cannot be listed: 403 Forbidden"),
        ("status/403", "cannot be listed: 403 Forbidden"),
        ("status/503", "cannot be reached: 503 Service Unavailable"),
        ("dropped", "cannot be reached: ServerDisconnectedError"),
    ],
)
def test_a_refused_or_failing_web_address_is_not_reported_as_missing(
    server: str, path: str, reason: str, end: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        list(find_items([f"{server}/{path}{end}"]))


@pytest.mark.parametrize(("path", "name"), [("a.png", r"a\.png"), ("folder/", "folder/")])
def test_a_port_that_does_not_answer_is_not_reported_as_a_missing_file(
    path: str, name: str
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UsageError, match=f"{name} cannot be reached: Connect call failed"):
        list(find_items([f"http://127.0.0.1:{port}/{path}"]))


def test_a_web_address_that_fails_when_opened_gives_the_servers_reason(server: str) -> None:
    with pytest.raises(FileNotFoundError) as error:
        Item("a.png", f"{server}/status/503").open()
    assert reason_of(error.value).startswith("ClientResponseError: 503")


SIGNATURES = (
    "X-Amz-Credential=AKIA%2F2026/s3&X-Amz-Date=1&X-Amz-Security-Token=a/b&X-Amz-Signature={}",
    "X-Goog-Algorithm=GOOG4&X-Goog-Expires=60&X-Goog-Signature={}",
    "sv=2022-11-02&si=readers&se=2026-12-01&sr=b&sp=r&sig={}%2F3%3D",
    "AWSAccessKeyId=AKIA&Expires=17&Signature={}",
)


@pytest.mark.parametrize("signed", SIGNATURES)
def test_no_id_contains_the_signature_of_an_address(
    server: str, signed: str, tmp_path: Path
) -> None:
    query = signed.format("secret")
    named = [f"{server}/sub/c.png?versionId={version}&{query}" for version in "12"]
    (alone,) = find_items(named[:1])
    assert (alone.item.id, alone.item.uri) == ("c.png?versionId=1", named[0])
    found = [entry.item.id for entry in find_items(named)]
    assert found == ["c.png?versionId=1", "c.png?versionId=2"]
    listed = tmp_path / "list.txt"
    listed.write_text(f"{server}/sub/c.png?{query}\n{server}/status/403?{query}")
    there, refused = find_items([], [listed])
    assert there.item.id == f"{server}/sub/c.png"
    assert isinstance(refused.end, Failed)
    assert (refused.item.id, "secret" in refused.end.reason) == (f"{server}/status/403", False)


def test_two_signed_addresses_of_the_same_name_have_different_ids(
    server: str, tmp_path: Path
) -> None:
    (tmp_path / "c.png").write_bytes(b"another")
    named = [f"{server}/{path}?sig={path}" for path in ("c.png", "sub/c.png")]
    assert [entry.item.id for entry in find_items(named)] == [
        f"{server}/c.png",
        f"{server}/sub/c.png",
    ]


@pytest.mark.parametrize("signed", SIGNATURES)
def test_the_answer_is_kept_when_an_address_is_signed_again(
    server: str, signed: str, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", "run")
    waiting = []
    for signature in ("one", "two"):
        named = [f"{server}/sub/c.png?{part}{signed.format(signature)}" for part in ("", "n=1&")]
        ledger.add_items(find_items(named), retry=False)
        waiting.append([item.uri for chunk in ledger.pending_chunks(9) for item in chunk])
        if signature == "one":
            answered, failed = (item for chunk in ledger.pending_chunks(9) for item in chunk)
            answer = Prediction(answered, {"x": 0.5, "y": 0.5}, "softmax", ("y",))
            ledger.record([(answer, ""), (Failed(failed, "read", "", "403 Forbidden"), "")])
    assert (len(waiting[0]), waiting[1]) == (2, named[1:])  # a signature that failed is tried anew
    assert [record.item.uri for record in ledger.records()] == [named[0]]
    ledger.close()


def test_a_reason_contains_neither_password_nor_signature() -> None:
    text = "403, url='https://me:secret@host/a.png?n=1&sig=secret' for a?b"
    assert reason_of(OSError(text)) == "OSError: 403, url='https://***@host/a.png?n=1' for a?b"


def test_json_without_signatures_is_still_json() -> None:
    told = {"command": 'pipeline run "https://host/a.png?sig=secret"'}
    assert json.loads(mask_credentials(json.dumps(told))) == {
        "command": 'pipeline run "https://host/a.png"'
    }
