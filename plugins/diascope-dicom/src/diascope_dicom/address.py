"""Find the instances of a DICOMweb address: a study, a series, an instance or a QIDO-RS query."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diascope_dicom.query import NUMBERS, UNSET, check_answer, parse_query

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient

LEVELS = ("studies", "series", "instances")
_TAGS = _STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"


@dataclass(frozen=True)
class Address:
    """The parts of a DICOMweb URI after its scheme.

    Attributes:
        base: host and path of the service.
        level: what a query searches for: studies, series or instances.
        uids: the UIDs of study, series and instance that are given.
        query: attributes and values to search for; also ``limit`` and ``offset``.
    """

    base: str
    level: str
    uids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse ``HOST/PATH/studies[/UID[/series[/UID[/instances[/UID]]]]][?KEY=VALUE&...]``.

        A query may start at a lower level, such as ``HOST/PATH/instances?KEY=VALUE``.

        Raises:
            ValueError: if the address is malformed or would match more than intended: a UID or a
                value of the query is empty, or the query has an unknown key.
        """
        path, mark, query = text.partition("?")
        parts = (path.rstrip("/") if mark else path).split("/")
        start = next((at for at, part in enumerate(parts) if at and part in LEVELS), len(parts))
        names, uids = parts[start::2], parts[start + 1 :: 2]
        known = [level for level in LEVELS if level in names]
        is_wrong = (
            names != known
            or tuple(names[: len(uids)]) != LEVELS[: len(uids)]  # the UID would be ignored
            or not all(uid.replace(".", "").isdigit() for uid in uids)
        )
        if not names or is_wrong or (mark and len(uids) == len(names)):
            expected = "HOST/PATH/studies[/UID[/series[/UID[/instances[/UID]]]]] or studies?KEY=..."
            raise ValueError(f"expected {expected}, got {text!r}{'' if all(uids) else UNSET}")
        given = dict(zip(names, uids, strict=False))
        return cls("/".join(parts[:start]), names[-1], given, parse_query(query) if mark else {})

    @property
    def instance(self) -> tuple[str, str, str] | None:
        """The UIDs of study, series and instance; None if not all are given."""
        study, series, instance = (self.uids.get(level) for level in LEVELS)
        return (study, series, instance) if study and series and instance else None


def find_instances(address: Address, client: "DICOMwebClient") -> Iterator[tuple[str, str, str]]:
    """Yield the UIDs of study, series and instance for all instances of an address.

    Raises:
        ValueError: if the service ignores the query, or returns no UIDs.
    """
    if address.instance:
        yield address.instance
        return
    study, series = address.uids.get("studies"), address.uids.get("series")
    query = address.query
    if address.level == "studies" and study is None:
        for found in _search(client.search_for_studies, query=query):
            (found_study,) = _require_uids(_uid(found, _STUDY))
            yield from _search_instances(client, found_study)
    elif address.level == "series" and series is None:
        for found in _search(client.search_for_series, study, query=query):
            found_study, found_series = _require_uids(
                _uid(found, _STUDY) or study, _uid(found, _SERIES)
            )
            yield from _search_instances(client, found_study, found_series)
    else:
        yield from _search_instances(client, study, series, query)


def _search_instances(
    client: "DICOMwebClient",
    study: str | None,
    series: str | None = None,
    query: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, str, str]]:
    for found in _search(client.search_for_instances, study, series, query=query or {}):
        found_study, found_series, instance = _require_uids(
            _uid(found, _STUDY) or study, _uid(found, _SERIES) or series, _uid(found, _INSTANCE)
        )
        yield found_study, found_series, instance


def _require_uids(*uids: str | None) -> tuple[str, ...]:
    """Return the UIDs if none is missing: without a study's, a search would cover all studies."""
    present = tuple(uid for uid in uids if uid)
    if len(present) < len(uids):
        raise ValueError(f"the service did not return UIDs of study, series and instance: {uids}")
    return present


def _search(
    search: Callable[..., list[dict[str, Any]]], *uids: str | None, query: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the results of a search; without a limit, all of them, page by page.

    A page without new results is the last: a service that ignores offsets always returns the same.

    Raises:
        ValueError: if the service ignores a key of the query.
    """
    parameters = {name: int(query[name]) for name in NUMBERS if name in query}
    filters = {key: value for key, value in query.items() if key not in NUMBERS}
    offset, seen = parameters.pop("offset", 0), set[tuple[str | None, ...]]()
    while True:
        page = search(*uids, offset=offset, search_filters=filters, **parameters)
        new = {tuple(_uid(found, tag) for tag in _TAGS): found for found in page}
        new = {key: found for key, found in new.items() if key not in seen}
        for found in new.values():
            check_answer(found, filters)
        yield from new.values()
        if not new or "limit" in parameters:
            return
        seen |= new.keys()
        offset += len(page)


def _uid(found: Mapping[str, Any], tag: str) -> str | None:
    values = found.get(tag, {}).get("Value")
    return str(values[0]) if values else None
