"""URLs of services, and where credentials are sent."""

import io
from base64 import b64decode

import pytest
from pydicom import dcmread
from requests import Request, Response
from requests.adapters import BaseAdapter
from requests.exceptions import SSLError

from diascope_dicom.service import create_client, service_url, translate_errors


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("dicomweb://pacs.example.org/dicom-web/", "https://pacs.example.org/dicom-web"),
        ("dicomweb://localhost:8042/dicom-web", "http://localhost:8042/dicom-web"),
        ("dicomweb://127.0.0.1:8042", "http://127.0.0.1:8042"),
        ("dicomweb+http://pacs:80/rs", "http://pacs:80/rs"),
        ("https://localhost/rs", "https://localhost/rs"),
        ("http://pacs/rs", "http://pacs/rs"),
    ],
)
def test_an_address_becomes_an_https_or_http_url(address, url):
    assert service_url(address) == url


@pytest.mark.parametrize("address", ["pacs/rs", "ftp://pacs/rs", "https:///rs", "dicomweb://"])
def test_an_address_that_is_not_a_service_is_refused(address):
    with pytest.raises(ValueError, match="expected https"):
        service_url(address)


def test_credentials_in_a_url_are_refused_and_not_repeated():
    with pytest.raises(ValueError, match="DIASCOPE_DICOMWEB_TOKEN") as raised:
        service_url("https://alice:s3cret@pacs/rs")
    assert "s3cret" not in str(raised.value)


def sent(url):
    """Return the Authorization header of a request to the service."""
    session = create_client(url)._session
    return session.prepare_request(Request("GET", url)).headers.get("Authorization")


def test_without_credentials_none_are_sent():
    assert sent("https://pacs/rs") is None


def test_a_token_takes_precedence_over_user_and_netrc(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine pacs login bob password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert sent("https://pacs/rs") == "Basic Ym9iOm90aGVy"
    monkeypatch.setenv("DIASCOPE_DICOMWEB_USER", "alice")
    monkeypatch.setenv("DIASCOPE_DICOMWEB_PASSWORD", "s3cret")
    assert sent("https://pacs/rs") == "Basic YWxpY2U6czNjcmV0"
    monkeypatch.setenv("DIASCOPE_DICOMWEB_TOKEN", "abc")
    assert sent("https://pacs/rs") == "Bearer abc"


def test_credentials_are_never_sent_unencrypted_over_a_network(monkeypatch):
    monkeypatch.setenv("DIASCOPE_DICOMWEB_TOKEN", "abc")
    assert sent("http://localhost/rs") == "Bearer abc"
    with pytest.raises(PermissionError, match="https only") as raised:
        sent("http://pacs/rs")
    assert "abc" not in str(raised.value)


def test_user_and_password_are_sent_as_utf_8(monkeypatch):
    monkeypatch.setenv("DIASCOPE_DICOMWEB_USER", "jürgen")
    monkeypatch.setenv("DIASCOPE_DICOMWEB_PASSWORD", "ö€")
    assert b64decode(sent("https://pacs/rs").removeprefix("Basic ")).decode() == "jürgen:ö€"


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_a_line_end_after_a_token_is_stripped(monkeypatch, end):
    monkeypatch.setenv("DIASCOPE_DICOMWEB_TOKEN", f"abc{end}")
    assert sent("https://pacs/rs") == "Bearer abc"


@pytest.mark.parametrize("token", ["s3cret\nmore", "s3cret\u2013"])
def test_a_token_that_cannot_be_sent_is_not_printed(monkeypatch, token):
    monkeypatch.setenv("DIASCOPE_DICOMWEB_TOKEN", token)
    with pytest.raises(PermissionError, match="DIASCOPE_DICOMWEB_TOKEN contains") as raised:
        sent("https://pacs/rs")
    assert "s3cret" not in str(raised.value)


def test_an_unreachable_service_is_reported_with_its_url():
    url = "http://127.0.0.1:9/rs"
    with pytest.raises(ConnectionError, match="cannot be reached"), translate_errors(url):
        create_client(url).search_for_studies()


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate", "REQUESTS_CA_BUNDLE"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", r"dicomweb\+http://"),
    ],
)
def test_a_failure_of_https_is_reported_with_advice(words, advice):
    expected = pytest.raises(ConnectionError, match=f"cannot be reached.*{advice}")
    with expected, translate_errors("https://pacs/rs"):
        raise SSLError(words)


class Redirecting(BaseAdapter):
    """Redirects every request once, and records the headers of the second request."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def send(self, request, **options):
        answer = Response()
        answer.request, answer.url, answer.raw = request, request.url, io.BytesIO(b"[]")
        answer.status_code = 200 if request.url == self.target else 302
        answer.headers["Location"] = self.target
        self.last = request.headers.get("Authorization")
        return answer

    def close(self):
        pass


@pytest.mark.parametrize(
    ("target", "carried"),
    [
        ("https://pacs/there", "Basic Ym9iOm90aGVy"),
        ("http://pacs/there", None),
        ("https://elsewhere/there", None),
    ],
)
def test_credentials_of_netrc_do_not_follow_a_redirect_elsewhere(
    target, carried, monkeypatch, tmp_path
):
    (tmp_path / "netrc").write_text("default login bob password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    session = create_client("https://pacs/rs")._session
    adapter = Redirecting(target)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    assert session.get("https://pacs/rs").url == target
    assert adapter.last == carried


def test_a_retry_sends_the_whole_content(pacs, tomogram):
    dataset = dcmread(tomogram)
    dataset.PixelData = bytes(1_200_000)
    pacs.answers = [(503, "text/plain", "busy"), (200, "application/dicom+json", "{}")]
    create_client(pacs.url).store_instances([dataset])
    first, second = pacs.posted
    assert first == second > len(dataset.PixelData)


def test_a_service_that_stays_busy_is_reported_by_its_status(pacs, tomogram):
    pacs.answers = [(503, "text/plain", "busy")]
    expected = pytest.raises(ConnectionError, match=r"too busy \(HTTP 503 after 4 attempts\)")
    with expected, translate_errors(pacs.url):
        create_client(pacs.url).store_instances([dcmread(tomogram)])
