"""Read and write YAML documents safely, keeping the line of each value.

Anchors, aliases, tags and merge keys are refused, so an untrusted document can neither run code nor
expand when it is read. Values follow the core schema of YAML 1.2: ``no`` is a string and ``1e-3``
is a number.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from diascope.errors import RecipeError

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 20
_INTEGER = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_ENDLESS = re.compile(r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$")
_BASES = {"0o": 8, "0x": 16}
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its ``file:line``.

    ``value`` is a scalar, a ``list[Node]`` or a ``dict[str, Node]``.
    """

    value: Any
    where: str

    def plain(self) -> Any:
        """Return the value as plain dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def read_document(path: Path) -> Node:
    """Read a YAML file into Nodes.

    Raises:
        RecipeError: with ``file:line``, if the file is missing, over 1 MB, nested deeper than 20
            levels, not UTF-8, not YAML, or uses a tag, an anchor, an alias or a repeated key.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            size = path.stat().st_size / 1e6
            raise RecipeError(
                f"{size:.0f} MB is too large for a recipe (at most 1 MB)", where=str(path)
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise RecipeError("is not UTF-8 text", where=str(path)) from error
    return parse_document(text, name=str(path))


def parse_document(text: str, *, name: str) -> Node:
    """Parse YAML text; ``name`` precedes the line number in errors."""
    import yaml

    try:
        return _Events(text, name).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"is not YAML: {error.problem}", where=f"{name}:{line}") from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise RecipeError(f"is not YAML: {error}", where=name) from error


def write_document(values: Mapping[str, Any], file: IO[str]) -> None:
    """Write plain values so that ``read_document`` and YAML 1.1 parsers read the same values."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes strings that are numbers in YAML 1.2, and writes no anchors or aliases."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_representer(str, _represent_text)
    for kind, pattern in (("int", _INTEGER), ("float", _FLOAT)):
        Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", pattern, None)
    layout: dict[str, Any] = {"default_flow_style": None, "width": 100}
    yaml.dump(values, file, Dumper, sort_keys=False, allow_unicode=True, **layout)


def _represent_text(dumper: Any, text: str) -> Any:
    """Return the node of a string. NEL is escaped, as it is a line break in YAML 1.1."""
    style = '"' if "\x85" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


class _Events:
    """Builds Nodes from the stream of libyaml's parser events, without building a tree first."""

    def __init__(self, text: str, name: str) -> None:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the latter is 30 times slower
        self._events: Iterator[Any] = yaml.parse(text, loader)
        self._name = name

    def document(self) -> Node:
        """Return the root of the only document."""
        next(self._events)
        start = next(self._events)
        if _kind(start) == "StreamEnd":
            return Node({}, f"{self._name}:1")
        if start.version or start.tags:
            raise RecipeError("YAML directives (%...) are not allowed", where=self._where(start))
        root = self._node(next(self._events), 0)
        next(self._events)
        if _kind(more := next(self._events)) != "StreamEnd":
            raise RecipeError("contains more than one YAML document", where=self._where(more))
        return root

    def _node(self, event: Any, depth: int) -> Node:
        kind, where = _kind(event), self._where(event)
        self._refuse(event, where)
        if kind == "Scalar":
            return Node(_scalar(event, where), where)
        if depth == _MAX_DEPTH:
            raise RecipeError(f"is nested deeper than {_MAX_DEPTH} levels", where=where)
        if kind == "MappingStart":
            return Node(self._mapping(depth + 1), where)
        children = self._until("SequenceEnd")
        return Node([self._node(child, depth + 1) for child in children], where)

    def _mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for event in self._until("MappingEnd"):
            where = self._where(event)
            self._refuse(event, where)
            if _kind(event) != "Scalar":
                raise RecipeError("a key must be a word", where=where)
            if event.value == "<<" and event.implicit[0]:
                raise RecipeError("merge keys are not allowed", where=where)
            if event.value in found:
                raise RecipeError(f"the key {event.value!r} appears twice", where=where)
            found[event.value] = Node(self._node(next(self._events), depth).value, where)
        return found

    def _until(self, end: str) -> Iterator[Any]:
        while _kind(event := next(self._events)) != end:
            yield event

    def _refuse(self, event: Any, where: str) -> None:
        if event.anchor is not None:
            hint = "Write the value out in both places."
            raise RecipeError("anchors and aliases are not allowed", where=where, hint=hint)
        if event.tag is not None:
            hint = "A recipe holds names and plain values, never code."
            raise RecipeError(f"the tag {event.tag} is not allowed", where=where, hint=hint)

    def _where(self, event: Any) -> str:
        return f"{self._name}:{event.start_mark.line + 1}"


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _scalar(event: Any, where: str) -> Any:
    """Return the value of a scalar; a quoted scalar is a string."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    try:
        if _INTEGER.match(text):
            number = int(text, _BASES.get(text[:2], 10))
            str(number)  # Python refuses very long integers, in messages and JSON too
            return number
        if _FLOAT.match(text):
            return float(text)
    except ValueError as error:  # such as an integer of five thousand digits
        raise RecipeError(f"is not a value: {error}", where=where) from error
    return float(text.replace(".", "")) if _ENDLESS.match(text) else text
