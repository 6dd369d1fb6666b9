"""Read a YAML document written by a stranger: plain values only, each with its line.

Anchors, aliases, tags and merge keys are refused, so a document can neither run code nor grow on
reading. Values follow YAML 1.2: ``no`` is a word and ``1e-3`` is a number.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from diascope.errors import RecipeError

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str")}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the place where it was written.

    ``value`` is a scalar, a ``list[Node]`` or a ``dict[str, Node]``.
    """

    value: Any
    where: str

    def plain(self) -> Any:
        """Return the value without places: dicts, lists and scalars."""
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
        if path.stat().st_size > MAX_BYTES:
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
    """Parse YAML text; ``name`` stands in front of the line in errors."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    _refuse_references(text, name)
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"is not YAML: {error.problem}", where=f"{name}:{line}") from error
    except (YAMLError, RecursionError) as error:
        raise RecipeError(f"is not YAML: {error}", where=name) from error
    if root is None:
        return Node({}, f"{name}:1")
    return _node(root, yaml, name)


def _refuse_references(text: str, name: str) -> None:
    """Scan the events before a tree is built: an alias costs nothing to refuse here."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            where = f"{name}:{event.start_mark.line + 1}"
            kind = type(event).__name__
            if getattr(event, "version", None) or getattr(event, "tags", None):
                raise RecipeError("YAML directives (%...) are not allowed", where=where)
            depth += kind.endswith(("MappingStartEvent", "SequenceStartEvent"))
            depth -= kind.endswith(("MappingEndEvent", "SequenceEndEvent"))
            if depth > MAX_DEPTH:
                raise RecipeError(f"is nested deeper than {MAX_DEPTH} levels", where=where)
            if kind == "AliasEvent" or getattr(event, "anchor", None):
                hint = "Write the value out in both places."
                raise RecipeError("anchors and aliases are not allowed", where=where, hint=hint)
            tag = getattr(event, "tag", None)
            if tag is not None:
                hint = "A recipe holds names and plain values, never code."
                raise RecipeError(f"the tag {tag} is not allowed", where=where, hint=hint)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RecipeError(f"is not YAML: {error.problem}", where=f"{name}:{line}") from error
    except YAMLError as error:
        raise RecipeError(f"is not YAML: {error}", where=name) from error


def _node(node: Any, yaml: Any, name: str) -> Node:
    where = f"{name}:{node.start_mark.line + 1}"
    if node.id == "mapping":
        found: dict[str, Node] = {}
        for key_node, value_node in node.value:
            at = f"{name}:{key_node.start_mark.line + 1}"
            if key_node.id != "scalar":
                raise RecipeError("a key must be a word", where=at)
            key = str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:merge" or key == "<<":
                raise RecipeError("merge keys are not allowed", where=at)
            if key in found:
                raise RecipeError(f"the key {key!r} stands here a second time", where=at)
            value = _node(value_node, yaml, name)
            found[key] = Node(value.value, at)
        return Node(found, where)
    if node.id == "sequence":
        return Node([_node(child, yaml, name) for child in node.value], where)
    if str(node.tag) not in _PLAIN:  # dates, binary: YAML's own types that recipes don't use
        return Node(node.value, where)
    try:
        return Node(yaml.constructor.construct_object(node), where)
    except ValueError as error:  # such as an integer of five thousand digits
        raise RecipeError(f"is not a value: {error}", where=where) from error


def nearest(word: str, allowed: list[str]) -> str:
    """Return a hint that lists what is allowed and names the nearest, if one is near."""
    close = get_close_matches(word, allowed, n=1, cutoff=0.6)
    meant = f"Did you mean {close[0]!r}? " if close else ""
    return f"{meant}Allowed: {', '.join(sorted(allowed))}."
