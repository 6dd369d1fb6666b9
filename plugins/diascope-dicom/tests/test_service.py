"""Addresses of services, and who learns the credentials."""

import pytest

from diascope_dicom.service import client_of, plain_faults, service_url


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
def test_an_address_says_https_or_http(address, url):
    assert service_url(address) == url


@pytest.mark.parametrize("address", ["pacs/rs", "ftp://pacs/rs", "https:///rs", "dicomweb://"])
def test_what_is_no_service_is_refused(address):
    with pytest.raises(ValueError, match="expected https"):
        service_url(address)


def test_credentials_in_a_url_are_refused_and_not_repeated():
    with pytest.raises(ValueError, match="DIASCOPE_DICOMWEB_TOKEN") as told:
        service_url("https://alice:s3cret@pacs/rs")
    assert "s3cret" not in str(told.value)


def sent(url):
    """Return the Authorization header that a request to the service carries."""
    from requests import Request

    session = client_of(url)._session
    return session.prepare_request(Request("GET", url)).headers.get("Authorization")


def test_without_credentials_none_are_sent():
    assert sent("https://pacs/rs") is None


def test_a_token_goes_before_user_and_netrc(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine pacs login bob password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert sent("https://pacs/rs") == "Basic Ym9iOm90aGVy"
    monkeypatch.setenv("DIASCOPE_DICOMWEB_USER", "alice")
    monkeypatch.setenv("DIASCOPE_DICOMWEB_PASSWORD", "s3cret")
    assert sent("https://pacs/rs") == "Basic YWxpY2U6czNjcmV0"
    monkeypatch.setenv("DIASCOPE_DICOMWEB_TOKEN", "abc")
    assert sent("https://pacs/rs") == "Bearer abc"


def test_credentials_never_cross_a_network_in_the_clear(monkeypatch):
    monkeypatch.setenv("DIASCOPE_DICOMWEB_TOKEN", "abc")
    assert sent("http://localhost/rs") == "Bearer abc"
    with pytest.raises(PermissionError, match="https only") as told:
        sent("http://pacs/rs")
    assert "abc" not in str(told.value)


def test_a_service_that_is_not_there_is_told_by_its_address():
    url = "http://127.0.0.1:9/rs"
    with pytest.raises(ConnectionError, match="cannot be reached"), plain_faults(url):
        client_of(url).search_for_studies()
