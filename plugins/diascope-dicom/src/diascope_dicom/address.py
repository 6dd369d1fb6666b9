"""Which instances a DICOMweb address means: a study, a series, an instance, or a QIDO-RS query."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient

LEVELS = ("studies", "series", "instances")
_TAGS = _STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"
_PARAMETERS = {"limit": int, "offset": int}
_UNSET = ". Was a variable of the shell not set?"


@dataclass(frozen=True)
class Address:
    """What stands behind the scheme of a DICOMweb URI.

    Attributes:
        base: host and path of the service.
        level: what a query asks for: studies, series or instances.
        uids: of study, series and instance, as far as they are given.
        query: what it asks, attribute to value; also ``limit`` and ``offset``.
    """

    base: str
    level: str
    uids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``HOST/PATH/studies[/UID[/series[/UID[/instances[/UID]]]]][?KEY=VALUE&...]``.

        A query may be of a lower level at once, such as ``HOST/PATH/instances?KEY=VALUE``.

        Raises:
            ValueError: if it is none, or a UID or a value of the query is empty: without it, the
                address would mean more than it says.
        """
        path, asks, query = text.partition("?")
        parts = (path.rstrip("/") if asks else path).split("/")
        start = next((at for at, part in enumerate(parts) if at and part in LEVELS), len(parts))
        names, uids = parts[start::2], parts[start + 1 :: 2]
        known = [level for level in LEVELS if level in names]
        wrong = (
            names != known
            or tuple(names[: len(uids)]) != LEVELS[: len(uids)]  # whose UID would be passed over
            or not all(uid.replace(".", "").isdigit() for uid in uids)
        )
        if not names or wrong or (asks and len(uids) == len(names)):
            expected = "HOST/PATH/studies[/UID[/series[/UID[/instances[/UID]]]]] or studies?KEY=..."
            raise ValueError(f"expected {expected}, got {text!r}{'' if all(uids) else _UNSET}")
        given = dict(zip(names, uids, strict=False))
        return cls("/".join(parts[:start]), names[-1], given, _query(query) if asks else {})

    @property
    def instance(self) -> tuple[str, str, str] | None:
        """The UIDs of study, series and instance; None if not all are given."""
        study, series, instance = (self.uids.get(level) for level in LEVELS)
        return (study, series, instance) if study and series and instance else None


def _query(text: str) -> dict[str, str]:
    """Return attribute to value; what was lost of a query would let it find more."""
    found: dict[str, str] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        if not value:
            raise ValueError(f"{key} has no value{_UNSET}")
        if key in found:
            raise ValueError(f"{key} is asked for twice")
        if key in _PARAMETERS and not value.isdecimal():
            raise ValueError(f"{key} must be a whole number, got {value!r}")
        found[key] = value
    if not found:
        raise ValueError(f"nothing stands behind the question mark{_UNSET}")
    return found


def find_instances(address: Address, client: "DICOMwebClient") -> Iterator[tuple[str, str, str]]:
    """Yield the UIDs of study, series and instance of all that an address means."""
    if address.instance:
        yield address.instance
        return
    study, series = address.uids.get("studies"), address.uids.get("series")
    query = address.query
    if address.level == "studies" and study is None:
        for found in _found(client.search_for_studies, query=query):
            (one,) = _named(_uid(found, _STUDY))
            yield from _instances(client, one)
    elif address.level == "series" and series is None:
        for found in _found(client.search_for_series, study, query=query):
            above, one = _named(_uid(found, _STUDY) or study, _uid(found, _SERIES))
            yield from _instances(client, above, one)
    else:
        yield from _instances(client, study, series, query)


def _instances(
    client: "DICOMwebClient",
    study: str | None,
    series: str | None = None,
    query: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, str, str]]:
    for found in _found(client.search_for_instances, study, series, query=query or {}):
        uids = _uid(found, _STUDY) or study, _uid(found, _SERIES) or series, _uid(found, _INSTANCE)
        named, within, instance = _named(*uids)
        yield named, within, instance


def _named(*uids: str | None) -> tuple[str, ...]:
    """Return UIDs that are all told: without that of a study, its instances would be everyone's."""
    told = tuple(uid for uid in uids if uid)
    if len(told) < len(uids):
        raise ValueError(f"the service did not name study, series and instance: {uids}")
    return told


def _found(
    search: Callable[..., list[dict[str, Any]]], *uids: str | None, query: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Yield what a search finds; without a limit, everything page by page.

    A page of nothing new is the end: a service that knows no offset tells the same for ever.
    """
    asked = {name: read(query[name]) for name, read in _PARAMETERS.items() if name in query}
    filters = {key: value for key, value in query.items() if key not in _PARAMETERS}
    offset, seen = asked.pop("offset", 0), set[tuple[str | None, ...]]()
    while True:
        page = search(*uids, offset=offset, search_filters=filters, **asked)
        new = {tuple(_uid(one, tag) for tag in _TAGS): one for one in page}
        new = {key: one for key, one in new.items() if key not in seen}
        yield from new.values()
        if not new or "limit" in asked:
            return
        seen |= new.keys()
        offset += len(page)


def _uid(found: Mapping[str, Any], tag: str) -> str | None:
    values = found.get(tag, {}).get("Value")
    return str(values[0]) if values else None
