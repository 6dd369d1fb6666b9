"""Find items on remote file systems and in archives, by fsspec."""

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
from diascope.sample import Failed, Found, Item, Skipped

_INSTALL = {"s3fs": "diascope[s3]", "aiohttp": "diascope[http]", "gcsfs": "gcsfs", "adlfs": "adlfs"}
_WEB = ("http://", "https://")
_OUTAGE = re.compile("Connection|Timeout")
_BUSY = (408, 429, 502, 503, 504)
_GONE = (404, 410)
_TAR_BLOCK = 512
_OUTAGE_OF_S3 = ("InternalError", "ServiceUnavailable", "SlowDown")
_LOGIN = re.compile("Credentials|Token|InvalidAccessKeyId|SignatureDoesNotMatch|TimeTooSkewed")


def find_remote(uri: str, prefix: str) -> Iterator[Found]:
    """Yield what is at a URI: a file, or the files of a folder, glob or archive.

    Args:
        prefix: stands before the ids; empty if only this is named.

    Raises:
        AddressError: if nothing is there, or it cannot be listed.
        UsageError: if its file system is not installed or cannot be reached.
    """
    head, chained, rest = uri.partition("::")
    tail = f"::{rest}" if chained else ""
    try:
        system, root = open_filesystem(uri)
        paths = _remote_paths(system, root, uri)
    except ImportError as error:
        scheme = re.findall(r"([\w+]+)://", uri)[-1]  # of an archive, where it lies
        names = [cause.name for cause in _causes(error) if isinstance(cause, ImportError)]
        package = next((_INSTALL[name] for name in names if name in _INSTALL), error.name)
        hint = f'pip install "{package}"' if package else ""  # else fsspec's words name it
        raise UsageError(f"{scheme}:// is not installed: {error}", hint=hint) from error
    except Exception as error:  # a file system may raise anything
        raise _refused(uri, error) from error
    if not paths:
        raise AddressError(f"there is nothing at {mask_credentials(uri)}")
    scheme = head.partition("://")[0]
    single = [root] == list(paths)
    fixed = _fixed(root, uri).rpartition("/")[0] if _is_glob(root, uri) else root.rstrip("/")
    for path, stamp in paths.items():
        shown, inner = (
            PurePosixPath(mask_credentials(path)).name,
            mask_credentials(path.removeprefix(fixed)),
        )
        name = prefix.rstrip("/") or shown if single else f"{prefix}{inner.lstrip('/')}"
        located = uri if single else f"{scheme}://{path.lstrip('/')}{tail}"
        if not tail and not single:
            located = system.unstrip_protocol(path)
        hidden = not single and _is_hidden(inner) and not _is_hidden(root.removeprefix(fixed))
        yield _found(name, located, stamp, hidden)


def _is_hidden(path: str) -> bool:
    """Whether a file or a folder on the way to it begins with a dot, as macOS puts in archives."""
    return any(part.startswith(".") and part not in (".", "..") for part in path.split("/"))


def _found(name: str, uri: str, stamp: str, hidden: bool) -> Found:
    """Return a file that was found; one that an archive names in bytes that are not UTF-8 fails."""
    item = Item(as_utf8(name), as_utf8(uri))
    if hidden:
        return Found(item, "", Skipped(item, "hidden"))
    if item == Item(name, uri):
        return Found(item, stamp)
    return Found(item, "", Failed(item, "read", "", "the file's name is not UTF-8; rename it"))


def remote_stamp(uri: str) -> str:
    """Return a digest of all that the file system tells of a file; empty if it tells nothing."""
    try:
        system, root = open_filesystem(uri)
        system.invalidate_cache(root)  # a listing tells other things, and what was there then
        return _digest(system.info(root))
    except Exception:  # a file system may raise anything
        return ""


def _refused(uri: str, error: Exception) -> UsageError:
    """Return what is wrong with a URI, or with the way there.

    A file system may say of every fault that nothing is there, as that of HTTP does; what it was
    raised from tells more. The kinds of that come from many packages: they are told by name.
    """
    shown, causes = mask_credentials(uri), list(_causes(error))
    for cause in causes:
        kinds, code = " ".join(kind.__name__ for kind in type(cause).__mro__), _code(cause)
        message = f"{shown} cannot be reached: {_reason(cause)}"
        if _LOGIN.search(f"{kinds} {code}"):
            return UsageError(message, hint="Give the store's credentials anew, or leave it out.")
        if _status(cause) in _BUSY or code in _OUTAGE_OF_S3 or _OUTAGE.search(kinds):
            return UsageError(message, hint="Try again later, or leave it out.")
    for cause in causes:
        if _status(cause) and _status(cause) not in _GONE:
            return AddressError(f"{shown} cannot be listed: {_reason(cause)}")
    if isinstance(error, FileNotFoundError):
        return AddressError(f"there is nothing at {shown}")
    return AddressError(f"{shown} cannot be listed: {_reason(error)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _status(error: BaseException) -> int:
    """Return the status of an HTTP response; 0 for what is none."""
    status = getattr(error, "status", 0) or _told(error, "ResponseMetadata", "HTTPStatusCode")
    return status if isinstance(status, int) else 0


def _code(error: BaseException) -> str:
    """Return the word of S3 for what is wrong, such as ExpiredToken; empty for other errors."""
    return str(_told(error, "Error", "Code") or "")


def _told(error: BaseException, part: str, name: str) -> Any:
    """Return what botocore's errors hold of a response of S3; None for other errors."""
    response = getattr(error, "response", None)
    return response.get(part, {}).get(name) if isinstance(response, dict) else None


def _reason(error: BaseException) -> str:
    status, code = _status(error), _code(error)
    told = f"{status} {responses.get(status, '')}".strip()  # a server's own words may name people
    told += f" ({code})" if code else ""
    return mask_credentials(told if status else reason_of(error))


def _digest(info: dict[str, Any]) -> str:
    told = json.dumps(info, sort_keys=True, default=str)
    return hashlib.sha256(
        mask_credentials(told).encode()
    ).hexdigest()  # signed anew, it is the same


def _remote_paths(system: Any, root: str, uri: str) -> dict[str, str]:
    """Return path to stamp: a digest of all that the file system tells of the file."""
    if (alone := _alone(system, root, uri)) is not None:
        return {root: _digest(alone)}
    _check_listed(system)
    if _is_glob(root, uri):
        infos = system.glob(root, detail=True)
    elif uri.startswith(_WEB) and not root.endswith("/"):
        infos = {root: system.info(root)}
    elif system.protocol == "tar":  # its find goes through all names again for each folder
        infos = {n: info for n, (info, *_) in system.index.items() if _is_within(n, root)}
    else:
        infos = system.find(root, detail=True)
    if not infos and uri.startswith(_WEB):  # a listing is silent about a server that is not there
        system.info(_fixed(root, uri))
    return {
        path: _digest(info)
        for path, info in sorted(infos.items())
        if info.get("type") != "directory"
    }


def _check_listed(system: Any) -> None:
    """Check that a tar archive was listed to its end: a damaged header is taken for that.

    Raises:
        ReadError: if something else stands where the list ends.
    """
    if system.protocol != "tar":
        return
    system.fo.seek(system.tar.offset)
    if any(system.fo.read(_TAR_BLOCK)):
        count = len(system.tar.getmembers())
        raise ReadError(f"the archive is damaged: its list ends within it, after {count:,} names")


def _is_within(path: str, root: str) -> bool:
    return not root or f"{path}/".startswith(f"{root}/")


def _is_glob(root: str, uri: str) -> bool:
    return _fixed(root, uri) != root


def _fixed(root: str, uri: str) -> str:
    """Return what stands before the first sign of a glob; on the web ``?`` begins a query."""
    return re.split(r"[*[]" if uri.startswith(_WEB) else r"[*?[]", root)[0]


def _alone(system: Any, root: str, uri: str) -> dict[str, Any] | None:
    """Return what is told of the file of just that name, which may look like a glob; else None.

    Not of the web: some servers have a page for any name.
    """
    if uri.startswith(_WEB) or uri.endswith("/"):
        return None
    try:
        system.invalidate_cache(root)  # a listing tells other things than the file itself
        info: dict[str, Any] = system.info(root)
    except Exception:  # a file system may raise anything; if it is out of order, listing tells
        return None
    # an empty object may stand for a folder of its name, and would hide what lies there
    return info if info.get("type") == "file" and info.get("size") != 0 else None
