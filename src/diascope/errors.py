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

from diascope.display_text import mask_credentials

ENDS = (KeyboardInterrupt, GeneratorExit)
"""What ends the run. Anything else that a plugin raises is caught, even if it is no Exception:
panics of Rust libraries are not."""


class DiascopeError(Exception):
    """An error that says what is wrong, where, and what to do about it.

    Args:
        message: what was expected and what was found.
        where: ``file:line``, a plugin or a path; empty if the message says it.
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
    """The command line names something that does not exist or is not installed."""


class AddressError(UsageError):
    """A URI leads to nothing, or to something that cannot be listed; other URIs may be valid."""


class RecipeError(DiascopeError):
    """The recipe is wrong; ``where`` is ``file:line``."""


class PluginError(DiascopeError):
    """A plugin is missing, broken, ambiguous or does not fit its contract."""


class WeightsError(DiascopeError):
    """Weights or their card are missing, damaged or do not fit the network."""


class DeviceError(DiascopeError):
    """An accelerator or another process of the run has stopped working; no item is at fault."""


class OutputError(DiascopeError):
    """Something could not be written or delivered."""


class TableError(DiascopeError):
    """The label table is wrong; the message names the rows."""


class ReadError(DiascopeError):
    """One input cannot be read. Raised by readers; the item fails and the run continues."""


class NoPictureError(ReadError):
    """One input is intact but not a picture, such as a text report; the item is skipped."""


def unreachable(error: BaseException) -> ReadError | None:
    """Return a ReadError if the disk or network failed; None if the file itself is at fault.

    EINVAL counts as the file's fault: a file that points to an offset before its start causes it.
    """
    numbered = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
    if numbered or isinstance(error, TimeoutError):
        return ReadError(f"it cannot be read: {reason_of(error)}")
    return None


def reason_of(error: BaseException) -> str:
    """Return an error's text as one line, with its type in front unless it is a ReadError or the
    operating system explains it."""
    if isinstance(error, DiascopeError) and error.hint:
        without_hint = str(DiascopeError(error.message, where=error.where))
        text = f"{without_hint.rstrip(' .')}. {error.hint}"
    else:
        text = _text(error)
    text = mask_credentials(" ".join(text.split()))
    if isinstance(error, ReadError) and text:
        return text
    if isinstance(error, OSError) and error.strerror:
        return mask_credentials(" ".join(str(error.strerror).split()))
    if (cause := error.__cause__) and type(cause).__module__.startswith("aiohttp"):
        return reason_of(cause)  # fsspec turns every HTTP error into FileNotFoundError
    if isinstance(error, TimeoutError) and not text:  # fsspec raises it without a text
        text = "no answer came in time"
    elif isinstance(error.__context__, TimeoutError) and not error.__suppress_context__:
        text = f"{text} (after {reason_of(error.__context__)})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the __str__ of a plugin's error may itself fail
        return ""
