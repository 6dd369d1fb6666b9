"""A DICOMweb service: its address, who we are to it, and its faults in plain words.

Credentials come from the environment or from netrc; they stand in no recipe, URL, log or message.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient
    from requests import HTTPError
    from retrying import RetryError

TOKEN, USER, PASSWORD = (f"DIASCOPE_DICOMWEB_{name}" for name in ("TOKEN", "USER", "PASSWORD"))
_PAUSE_MS = 250  # before the second attempt twice that, then four times, then eight times
_WHOLE = 2**31 - 1  # bytes; of what is sent in chunks, the client has none left to send again
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WAYS = f"set {TOKEN}, or {USER} and {PASSWORD}, or write the host into ~/.netrc"


def service_url(address: str) -> str:
    """Return the http or https URL of a service.

    Args:
        address: ``dicomweb://`` is https, and http on this very machine; ``dicomweb+http://`` is
            http; ``https://`` and ``http://`` are what they say.

    Raises:
        ValueError: if it is none of these, or holds a user name or a password.
    """
    scheme, separator, rest = address.partition("://")
    parts = urlsplit(f"//{rest}")
    if "@" in parts.netloc:
        raise ValueError(f"a URL is no place for credentials: {_WAYS}")
    local = parts.hostname in _LOOPBACK
    schemes = {
        "dicomweb": "http" if local else "https",
        "dicomweb+http": "http",
        "https": "https",
        "http": "http",
    }
    if not separator or scheme not in schemes or not parts.hostname:
        raise ValueError(f"expected https://HOST/PATH or dicomweb://HOST/PATH, got {address!r}")
    return f"{schemes[scheme]}://{rest.rstrip('/')}"


def create_client(url: str) -> "DICOMwebClient":
    """Return a client of the service at an http or https URL; nothing is sent yet.

    Raises:
        PermissionError: if credentials would cross a network in the clear.
    """
    from dicomweb_client import DICOMwebClient

    from diascope_dicom.session import ServiceSession

    session = ServiceSession(_authentication(url))
    client = DICOMwebClient(url, session=session, chunk_size=_WHOLE)
    client.set_http_retry_params(max_attempts=4, wait_exponential_multiplier=_PAUSE_MS)
    return client


@contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Turn what the service refuses, and its absence, into errors that say what to do.

    Raises:
        PermissionError: if the service wants other credentials.
        ConnectionError: if it cannot be reached, or is too busy for all attempts.
    """
    import requests
    from retrying import RetryError

    try:
        yield
    except requests.HTTPError as error:
        if not is_unauthorised(error):
            raise
        raise PermissionError(errno.EACCES, f"{url} refuses us: {_WAYS}") from error
    except (requests.ConnectionError, requests.Timeout) as error:
        told = f"{url} cannot be reached ({type(error).__name__}{_tls_advice(error)})"
        raise ConnectionError(errno.EHOSTUNREACH, told) from error
    except RetryError as error:
        raise ConnectionError(
            errno.EBUSY, f"{url} is too busy ({describe_retries(error)})"
        ) from error


def _tls_advice(error: Exception) -> str:
    """Return what to do about a service that is there, but not as https; empty for other faults."""
    import requests

    if not isinstance(error, requests.exceptions.SSLError):
        return ""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ": its certificate is not trusted; REQUESTS_CA_BUNDLE names a file of those that are"
    return ": does it speak http only? Then write dicomweb+http://, or http:// in a recipe"


def is_unauthorised(error: "HTTPError") -> bool:
    """Say whether a service wants other credentials."""
    return error.response is not None and error.response.status_code in (401, 403)


def describe_retries(error: "RetryError") -> str:
    """Say what a service answered until we gave up."""
    last = error.last_attempt
    return f"HTTP {last.value.status_code} after {last.attempt_number} attempts"


def _authentication(url: str) -> Any:
    """Return what adds the credentials to a request; something that adds none if there are none.

    Always something: requests would look into netrc again, and send over http what it finds. User
    and password go as UTF-8, as browsers send them; requests would send text as Latin-1.
    """
    from requests.auth import HTTPBasicAuth
    from requests.utils import get_netrc_auth

    token, user = os.environ.get(TOKEN, "").strip(), os.environ.get(USER)
    if not (token.isascii() and token.isprintable()):  # requests would quote it
        raise PermissionError(errno.EACCES, f"{TOKEN} holds a character that no token has")
    pair = (user, os.environ.get(PASSWORD, "")) if user else get_netrc_auth(url)
    parts = urlsplit(url)
    if (token or pair) and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise PermissionError(errno.EACCES, f"credentials go over https only, not to {url}")
    if token:
        return _Bearer(token)
    if not pair:
        return _anonymous
    return HTTPBasicAuth(*(part.encode(errors="surrogateescape") for part in pair))


def _anonymous(request: Any) -> Any:
    return request


class _Bearer:
    """Adds a bearer token to a request (RFC 6750)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
