"""What has become of an item since its row in the ledger was written. Nothing is written here."""

from enum import Enum

from diascope.display_text import mask_credentials
from diascope.fingerprints import has_content
from diascope.ledger_file import LedgerRow
from diascope.records import pack_record
from diascope.sample import Failed, Found, Item


class Change(Enum):
    """What has become of an item."""

    NONE = "it has ended, and nothing of it has changed"
    UNREACHABLE = "it was answered, but cannot be read now"
    WAITING = "it has not ended, and waits in the same place"
    RESTART = "it is new or has changed, or is tried again"


def find_change(
    old: LedgerRow | None,
    item: Item,
    entry: Found,
    position: tuple[int, int, str, str],
    digest: str,
    *,
    retry: bool,
) -> Change:
    """Return what has become of an item. If only its stamp differs, its content decides.

    Args:
        old: its row; None if it has none.
        item: the item under its name in the ledger.
        entry: what was found of it now.
        position: its run, place, URI and stamp now.
        digest: that of the run.
        retry: whether failed and skipped items are tried again.
    """
    if old is None:
        return Change.RESTART
    if is_answered(old, digest) and isinstance(entry.end, Failed):
        return Change.UNREACHABLE
    if _has_ended(old, entry, digest, retry) and _is_same(old, item, entry, digest):
        return Change.NONE
    waits = old.state == "pending" and entry.end is None and old[:4] == position
    return Change.WAITING if waits else Change.RESTART


def is_answered(old: LedgerRow, digest: str) -> bool:
    """Whether the row holds an answer of the run's digest, even if it could not be read since."""
    return bool(old.answered) and old.digest == digest


def has_same_end(old: LedgerRow, entry: Found) -> bool:
    """Whether what was found does not contradict the state and reason of the row."""
    return entry.end is None or pack_record(entry.end)[:4] == old[-4:]


def _has_ended(old: LedgerRow, entry: Found, digest: str, retry: bool) -> bool:
    """Whether the row's end still counts."""
    if old.digest != digest or old.state == "pending" or not has_same_end(old, entry):
        return False
    return old.state == "ok" or is_answered(old, digest) or not retry


def _is_same(old: LedgerRow, item: Item, entry: Found, digest: str) -> bool:
    """Whether the file is the one of the row, by its stamp and address or by its content."""
    same_address = old.uri == item.uri or (
        is_answered(old, digest)  # the same but for a signature
        and mask_credentials(old.uri) == mask_credentials(item.uri)
    )
    if same_address and old.stamp == entry.stamp:
        return True
    return not entry.end and has_content(item, old.content)
