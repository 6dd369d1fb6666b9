"""Connect to a DICOMweb service: URL, credentials and error messages.

Credentials come from the environment or from netrc. They never appear in a recipe, URL, log or
message.
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
_PAUSE_MS = 250  # pauses before the second to fourth attempt: 2, 4 and 8 times as long
_ONE_CHUNK = 2**31 - 1  # bytes; the client cannot send again what it has sent in chunks
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ADVICE = f"set {TOKEN}, or {USER} and {PASSWORD}, or add the host to ~/.netrc"


def service_url(address: str) -> str:
    """Return the http or https URL of a service.

    Args:
        address: ``dicomweb://`` means https, or http for this machine; ``dicomweb+http://`` means
            http; ``https://`` and ``http://`` are kept.

    Raises:
        ValueError: if it is none of these, or contains a user name or a password.
    """
    scheme, separator, rest = address.partition("://")
    parts = urlsplit(f"//{rest}")
    if "@" in parts.netloc:
        raise ValueError(f"credentials do not belong in a URL: {_ADVICE}")
    is_local = parts.hostname in _LOOPBACK
    schemes = {
        "dicomweb": "http" if is_local else "https",
        "dicomweb+http": "http",
        "https": "https",
        "http": "http",
    }
    if not separator or scheme not in schemes or not parts.hostname:
        raise ValueError(f"expected https://HOST/PATH or dicomweb://HOST/PATH, got {address!r}")
    return f"{schemes[scheme]}://{rest.rstrip('/')}"


def create_client(url: str) -> "DICOMwebClient":
    """Return a client for the service at an http or https URL; nothing is sent yet.

    Raises:
        PermissionError: if credentials would be sent unencrypted over a network.
    """
    from dicomweb_client import DICOMwebClient

    from diascope_dicom.session import ServiceSession

    session = ServiceSession(_authentication(url))
    client = DICOMwebClient(url, session=session, chunk_size=_ONE_CHUNK)
    client.set_http_retry_params(max_attempts=4, wait_exponential_multiplier=_PAUSE_MS)
    return client


@contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Turn rejected credentials and connection errors into errors that say what to do.

    Raises:
        PermissionError: if the service rejects the credentials.
        ConnectionError: if it cannot be reached, or is still too busy after all attempts.
    """
    import requests
    from retrying import RetryError

    try:
        yield
    except requests.HTTPError as error:
        if not is_unauthorised(error):
            raise
        raise PermissionError(errno.EACCES, f"{url} denies access: {_ADVICE}") from error
    except (requests.ConnectionError, requests.Timeout) as error:
        reason = f"{url} cannot be reached ({type(error).__name__}{_tls_advice(error)})"
        raise ConnectionError(errno.EHOSTUNREACH, reason) from error
    except RetryError as error:
        raise ConnectionError(
            errno.EBUSY, f"{url} is too busy ({describe_retries(error)})"
        ) from error


def _tls_advice(error: Exception) -> str:
    """Return advice if HTTPS failed at a service that can be reached; empty for other errors."""
    import requests

    if not isinstance(error, requests.exceptions.SSLError):
        return ""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ": its certificate is not trusted; set REQUESTS_CA_BUNDLE to a file of trusted ones"
    return ": does it support only http? Then write dicomweb+http://, or http:// in a recipe"


def is_unauthorised(error: "HTTPError") -> bool:
    """Return whether a service rejects the credentials."""
    return error.response is not None and error.response.status_code in (401, 403)


def describe_retries(error: "RetryError") -> str:
    """Return the last response and the number of attempts, in words."""
    last = error.last_attempt
    return f"HTTP {last.value.status_code} after {last.attempt_number} attempts"


def _authentication(url: str) -> Any:
    """Return a callable that adds the credentials, if there are any, to a request.

    It is never None, because requests would then read netrc itself and send what it finds over http
    too. User and password are sent as UTF-8, as browsers do; requests would send them as Latin-1.
    """
    from requests.auth import HTTPBasicAuth
    from requests.utils import get_netrc_auth

    token, user = os.environ.get(TOKEN, "").strip(), os.environ.get(USER)
    if not (token.isascii() and token.isprintable()):  # requests would quote it in its error
        raise PermissionError(errno.EACCES, f"{TOKEN} contains a character that no token has")
    pair = (user, os.environ.get(PASSWORD, "")) if user else get_netrc_auth(url)
    parts = urlsplit(url)
    if (token or pair) and parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise PermissionError(errno.EACCES, f"credentials are sent over https only, not to {url}")
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
