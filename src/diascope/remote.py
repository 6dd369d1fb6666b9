"""Find items on remote file systems and in archives, with fsspec."""

import hashlib
import json
import re
from collections.abc import Iterator
from http.client import responses
from pathlib import PurePosixPath
from typing import Any

from diascope.archives import open_filesystem
from diascope.display_text import as_utf8, mask_credentials
from diascope.errors import AddressError, ReadError, UsageError, reason_of
from diascope.extras import install_command
from diascope.sample import Failed, Found, Item, Skipped

_INSTALL = {
    "s3fs": install_command("s3"),
    "aiohttp": install_command("http"),
    "gcsfs": "pip install gcsfs",
    "adlfs": "pip install adlfs",
}
_WEB = ("http://", "https://")
_OUTAGE_NAMES = re.compile("Connection|Timeout")
_BUSY_STATUSES = (408, 429, 502, 503, 504)
_GONE_STATUSES = (404, 410)
_TAR_BLOCK = 512
_S3_OUTAGE_CODES = ("InternalError", "ServiceUnavailable", "SlowDown")
_CREDENTIAL_NAMES = re.compile(
    "Credentials|Token|InvalidAccessKeyId|SignatureDoesNotMatch|TimeTooSkewed"
)


def find_remote(uri: str, prefix: str) -> Iterator[Found]:
    """Yield the items at a URI: one file, or the files of a folder, glob or archive.

    Args:
        prefix: prefix of the ids; empty if this is the only input.

    Raises:
        AddressError: if nothing exists there, or it cannot be listed.
        UsageError: if the file system is not installed or cannot be reached.
    """
    head, chained, rest = uri.partition("::")
    tail = f"::{rest}" if chained else ""
    try:
        system, root = open_filesystem(uri)
        paths = _list_stamps(system, root, uri)
    except ImportError as error:
        scheme = re.findall(r"([\w+]+)://", uri)[-1]  # for an archive, that of its location
        names = [cause.name for cause in _causes(error) if isinstance(cause, ImportError)]
        known = next((_INSTALL[name] for name in names if name in _INSTALL), "")
        hint = known or (f"pip install {error.name}" if error.name else "")  # else fsspec names it
        raise UsageError(f"{scheme}:// is not installed: {error}", hint=hint) from error
    except Exception as error:  # a file system may raise anything
        raise _listing_error(uri, error) from error
    if not paths:
        raise AddressError(f"there is nothing at {mask_credentials(uri)}")
    scheme = head.partition("://")[0]
    single = [root] == list(paths)
    fixed = _before_glob(root, uri).rpartition("/")[0] if _is_glob(root, uri) else root.rstrip("/")
    for path, stamp in paths.items():
        inner = mask_credentials(path.removeprefix(fixed))
        if single:
            name = prefix.rstrip("/") or PurePosixPath(mask_credentials(path)).name
        else:
            name = f"{prefix}{inner.lstrip('/')}"
        located = uri if single else f"{scheme}://{path.lstrip('/')}{tail}"
        if not tail and not single:
            located = system.unstrip_protocol(path)
        hidden = not single and _is_hidden(inner) and not _is_hidden(root.removeprefix(fixed))
        yield _make_found(name, located, stamp, hidden)


def _is_hidden(path: str) -> bool:
    """Whether any part of a path begins with a dot, as files that macOS adds to archives do."""
    return any(part.startswith(".") and part not in (".", "..") for part in path.split("/"))


def _make_found(name: str, uri: str, stamp: str, hidden: bool) -> Found:
    """Return a file that was found; it fails if its name in an archive is not UTF-8."""
    item = Item(as_utf8(name), as_utf8(uri))
    if hidden:
        return Found(item, "", Skipped(item, "hidden"))
    if item == Item(name, uri):
        return Found(item, stamp)
    return Found(item, "", Failed(item, "read", "", "the file's name is not UTF-8; rename it"))


def remote_stamp(uri: str) -> str:
    """Return a digest of the file system's information on a file; empty if there is none."""
    try:
        system, root = open_filesystem(uri)
        system.invalidate_cache(root)  # a cached listing differs, and may be out of date
        return _digest(system.info(root))
    except Exception:  # a file system may raise anything
        return ""


def _listing_error(uri: str, error: Exception) -> UsageError:
    """Return the error for a URI that cannot be listed or reached.

    Some file systems, such as fsspec's for HTTP, raise FileNotFoundError whatever happened, so the
    causes of the error are examined. Their classes come from many packages, and are recognised by
    name.
    """
    shown, causes = mask_credentials(uri), list(_causes(error))
    for cause in causes:
        kinds, code = " ".join(kind.__name__ for kind in type(cause).__mro__), _code(cause)
        message = f"{shown} cannot be reached: {_reason(cause)}"
        if _CREDENTIAL_NAMES.search(f"{kinds} {code}"):
            return UsageError(message, hint="Renew the store's credentials, or leave it out.")
        if (
            _status(cause) in _BUSY_STATUSES
            or code in _S3_OUTAGE_CODES
            or _OUTAGE_NAMES.search(kinds)
        ):
            return UsageError(message, hint="Try again later, or leave it out.")
    for cause in causes:
        if _status(cause) and _status(cause) not in _GONE_STATUSES:
            return AddressError(f"{shown} cannot be listed: {_reason(cause)}")
    if isinstance(error, FileNotFoundError):
        is_glob = uri.startswith(_WEB) and "[" in uri
        hint = "Here [ begins a glob; for the character itself write %5B." if is_glob else ""
        return AddressError(f"there is nothing at {shown}", hint=hint)
    return AddressError(f"{shown} cannot be listed: {_reason(error)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its chain of causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _status(error: BaseException) -> int:
    """Return the HTTP status of an error; 0 if it has none."""
    status = getattr(error, "status", 0) or _response_field(
        error, "ResponseMetadata", "HTTPStatusCode"
    )
    return status if isinstance(status, int) else 0


def _code(error: BaseException) -> str:
    """Return the S3 error code, such as ExpiredToken; empty for other errors."""
    return str(_response_field(error, "Error", "Code") or "")


def _response_field(error: BaseException, part: str, name: str) -> Any:
    """Return a field of the S3 response that a botocore error holds; None for other errors."""
    response = getattr(error, "response", None)
    return response.get(part, {}).get(name) if isinstance(response, dict) else None


def _reason(error: BaseException) -> str:
    status, code = _status(error), _code(error)
    # not the server's own message, which may name people
    reason = f"{status} {responses.get(status, '')}".strip() + (f" ({code})" if code else "")
    return mask_credentials(reason if status else reason_of(error))


def _digest(info: dict[str, Any]) -> str:
    text = json.dumps(info, sort_keys=True, default=str)
    # without credentials, so that it stays the same if the address is signed again
    return hashlib.sha256(mask_credentials(text).encode()).hexdigest()


def _list_stamps(system: Any, root: str, uri: str) -> dict[str, str]:
    """Return a dict from path to stamp, a digest of the file system's information on the file."""
    if (info := _single_file_info(system, root, uri)) is not None:
        return {root: _digest(info)}
    _check_complete(system)
    if _is_glob(root, uri):
        infos = system.glob(root, detail=True)
    elif uri.startswith(_WEB) and not root.endswith("/"):
        infos = {root: system.info(root)}
    elif system.protocol == "tar":  # its find() searches all names again for each folder
        infos = {n: info for n, (info, *_) in system.index.items() if _is_within(n, root)}
    else:
        infos = system.find(root, detail=True)
    if not infos and uri.startswith(_WEB):  # an unreachable server gives an empty listing
        system.info(_before_glob(root, uri))
    return {
        path: _digest(info)
        for path, info in sorted(infos.items())
        if info.get("type") != "directory"
    }


def _check_complete(system: Any) -> None:
    """Check that a tar archive was listed to its end: tarfile takes a damaged header for the end.

    Raises:
        ReadError: if there is more data where the list ends.
    """
    if system.protocol != "tar":
        return
    system.fo.seek(system.tar.offset)
    if any(system.fo.read(_TAR_BLOCK)):
        count = len(system.tar.getmembers())
        raise ReadError(f"the archive is damaged: its file list ends early, after {count:,} names")


def _is_within(path: str, root: str) -> bool:
    return not root or f"{path}/".startswith(f"{root}/")


def _is_glob(root: str, uri: str) -> bool:
    return _before_glob(root, uri) != root


def _before_glob(root: str, uri: str) -> str:
    """Return the path before its first glob character; on the web ``?`` begins a query instead."""
    return re.split(r"[*[]" if uri.startswith(_WEB) else r"[*?[]", root)[0]


def _single_file_info(system: Any, root: str, uri: str) -> dict[str, Any] | None:
    """Return the information on a file of exactly that name, which may look like a glob.

    None if there is no such file, and for the web, because some servers have a page for any name.
    """
    if uri.startswith(_WEB) or uri.endswith("/"):
        return None
    try:
        system.invalidate_cache(root)  # a cached listing differs from the file's own information
        info: dict[str, Any] = system.info(root)
    except Exception:  # a file system may raise anything; listing reports what is wrong
        return None
    # an empty object may be the marker of a folder, and would hide the folder's files
    return info if info.get("type") == "file" and info.get("size") != 0 else None
