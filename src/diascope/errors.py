"""Every error that diascope raises on purpose.

DiascopeError
    UsageError
        AddressError
    RecipeError
    PluginError
    WeightsError
    DeviceError
    OutputError
    TableError
    ReadError
        NoPictureError
"""

import errno
from collections.abc import Iterable
from importlib.util import find_spec

from diascope.display_text import masked

ENDS = (KeyboardInterrupt, GeneratorExit)
"""What ends the work. Of a plugin all else is caught: what fails in Rust is no Exception."""


class DiascopeError(Exception):
    """What is wrong, where, and what to do about it.

    Args:
        message: what was expected and what came.
        where: ``file:line``, a plugin, a path; empty if the message says it.
        hint: what the user can do next.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else str(self.message)
        return f"{text}\n  {self.hint}" if self.hint else text


class UsageError(DiascopeError):
    """The command line names something that is not there."""


class AddressError(UsageError):
    """There is nothing at a URI, or nothing that can be listed; other URIs may be sound."""


class RecipeError(DiascopeError):
    """The recipe is wrong; ``where`` is ``file:line``."""


class PluginError(DiascopeError):
    """A plugin is missing, broken, ambiguous or does not fit its contract."""


class WeightsError(DiascopeError):
    """Weights or their card are missing, damaged or do not fit the network."""


class DeviceError(DiascopeError):
    """An accelerator, or a process beside this one, can do nothing more; no item is at fault."""


class OutputError(DiascopeError):
    """Something could not be written or delivered."""


class TableError(DiascopeError):
    """The label table is wrong; the message names the rows."""


class ReadError(DiascopeError):
    """One input cannot be read. Readers raise it; the item ends as failed, nothing else does."""


class NoPictureError(ReadError):
    """One input is sound but no picture, such as a report; the item ends as skipped."""


def unreachable(error: BaseException) -> ReadError | None:
    """Return that a file's disk or network failed, if that is the error; None if it is the file.

    EINVAL is what a file itself leads to that tells of a place before its start.
    """
    numbered = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
    if numbered or isinstance(error, TimeoutError):
        return ReadError(f"it cannot be read: {reason_of(error)}")
    return None


def refuse_missing(needs: str, modules: Iterable[str], extra: str) -> None:
    """Raise a UsageError if modules of an extra are missing that, say, ``training needs``."""
    if missing := [name for name in modules if find_spec(name) is None]:
        hint = f'pip install -c constraints.txt "diascope[{extra}]"'
        raise UsageError(f"{needs} what is not installed: {', '.join(missing)}", hint=hint)


def reason_of(error: BaseException) -> str:
    """Return a plain reason: the text of our own errors, else with the kind of error in front."""
    if isinstance(error, DiascopeError) and error.hint:
        told = DiascopeError(error.message, where=error.where)
        text = f"{str(told).rstrip(' .')}. {error.hint}"
    else:
        text = _text(error)
    text = masked(" ".join(text.split()))
    if isinstance(error, ReadError) and text:
        return text
    if isinstance(error, OSError) and error.strerror:
        return masked(" ".join(str(error.strerror).split()))
    if (cause := error.__cause__) and type(cause).__module__.startswith("aiohttp"):
        return reason_of(cause)  # fsspec says of every fault of HTTP that nothing is there
    if isinstance(error, TimeoutError) and not text:  # as fsspec raises it
        text = "no answer came in time"
    elif isinstance(error.__context__, TimeoutError) and not error.__suppress_context__:
        text = f"{text} (after {reason_of(error.__context__)})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a stranger's error may have no text
        return ""
