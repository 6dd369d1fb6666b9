"""Apply ``--set KEY=VALUE`` to a recipe's document."""

from collections.abc import Sequence

from diascope.document import Node, parse_document
from diascope.errors import RecipeError

_EACH = "*"
_PLUGIN_PLACES = {
    ("read",),
    ("model",),
    ("run", "executor"),
    ("train", "backbone"),
    ("preprocess", _EACH),
    ("report", _EACH),
    ("train", "augment", _EACH),
}
"""Where a recipe names one plugin; ``*`` stands for each entry of a list."""


def apply_override(document: Node, override: str) -> Node:
    """Return a copy of a document with one value replaced or added.

    Args:
        override: a dotted path with a value, such as ``run.batch=64``. In lists, a number is an
            index and a name finds the entry of that name; in mappings, a name is a key. A path to
            a parameter of another plugin than the document names replaces that plugin.

    Raises:
        RecipeError: if it does not have this form, or a list has no such entry.
    """
    where = f"--set {override}"
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise RecipeError("expected KEY=VALUE, such as run.batch=64", where=where)
    value = parse_document(text, name=where) if text.strip() else Node("", where)
    return _replace(document, dotted.split("."), Node(value.value, where), ())


def _replace(node: Node, path: Sequence[str], value: Node, place: tuple[str, ...]) -> Node:
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(node.value, list):
        items = list(node.value)
        matches = [i for i, item in enumerate(items) if _has_name(item, first)]
        index = int(first) if first.isdecimal() else matches[0] if matches else -1
        if not 0 <= index < len(items):
            raise RecipeError(f"the list has no entry {first!r}", where=value.where)
        inner = rest if first.isdecimal() or not rest else path
        items[index] = _replace(items[index], inner, value, (*place, _EACH))
        return Node(items, node.where)
    if isinstance(node.value, str) and rest:  # `resize` becomes `resize: {...}`
        node = Node({node.value: Node({}, node.where)}, node.where)
    keys = dict(node.value) if isinstance(node.value, dict) else {}
    if place in _PLUGIN_PLACES and first not in keys:
        if same := [name for name in keys if may_be_same(name, first)]:
            first = same[0]
        elif rest or isinstance(value.value, dict):  # another plugin; only one is named here
            keys = {}
    keys[first] = _replace(keys.get(first, Node({}, value.where)), rest, value, (*place, first))
    return Node(keys, node.where)


def _has_name(item: Node, name: str) -> bool:
    written = list(item.value) if isinstance(item.value, dict) else [item.value]
    return len(written) == 1 and isinstance(written[0], str) and may_be_same(written[0], name)


def may_be_same(written: str, name: str) -> bool:
    """Whether two names may mean one plugin; only one of them may name its distribution."""
    owners = written.rpartition(":")[0], name.rpartition(":")[0]
    return written == name or (
        "" in owners and written.rpartition(":")[2] == name.rpartition(":")[2]
    )
