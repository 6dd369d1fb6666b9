"""Inputs by the addresses of web servers."""

import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from diascope.errors import UsageError, reason_of
from diascope.inputs import find_items
from diascope.sample import Item


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve a folder with one picture; yield its address."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.png").write_bytes(b"content of c")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None: ...

        def send_head(self) -> Any:
            """Answer ``/status/503`` with 503, and ``/dropped`` with nothing."""
            if self.path.startswith("/status/"):
                self.send_error(int(self.path.split("/")[2]))
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


def test_a_web_address_with_nothing_behind_it_is_an_error(server: str) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.png"):
        list(find_items([f"{server}/nowhere.png"]))


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("status/404", "there is nothing at http"),
        ("status/403", "cannot be listed: 403 Forbidden"),
        ("status/503", "cannot be reached: 503 Service Unavailable"),
        ("dropped", "cannot be reached: ServerDisconnectedError"),
    ],
)
def test_a_web_address_that_is_refused_or_out_of_order_is_not_called_missing(
    server: str, path: str, reason: str, end: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        list(find_items([f"{server}/{path}{end}"]))


def test_a_port_on_which_nobody_answers_is_no_missing_file() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UsageError, match=r"a\.png cannot be reached: Connect call failed"):
        list(find_items([f"http://127.0.0.1:{port}/a.png"]))


def test_a_web_address_that_fails_as_it_is_opened_says_what_the_server_said(server: str) -> None:
    with pytest.raises(FileNotFoundError) as error:
        Item("a.png", f"{server}/status/503").open()
    assert reason_of(error.value).startswith("ClientResponseError: 503")
