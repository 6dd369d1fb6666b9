"""What ``--set KEY=VALUE`` puts into a recipe's document."""

from collections.abc import Sequence

from diascope.document import Node, parse_document
from diascope.errors import RecipeError


def apply_override(document: Node, override: str) -> Node:
    """Return a document with a value put in place.

    Args:
        override: a dotted path with a value, such as ``run.batch=64``; numbers index lists, names
            find what is called so or make keys.

    Raises:
        RecipeError: if it is not written so, or a list has no such entry.
    """
    where = f"--set {override}"
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise RecipeError("expected KEY=VALUE, such as run.batch=64", where=where)
    value = parse_document(text, name=where) if text.strip() else Node("", where)
    return _put(document, dotted.split("."), Node(value.value, where))


def _put(node: Node, path: Sequence[str], value: Node) -> Node:
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(node.value, list):
        items = list(node.value)
        matches = [i for i, item in enumerate(items) if _names(item, first)]
        index = int(first) if first.isdecimal() else matches[0] if matches else -1
        if not 0 <= index < len(items):
            raise RecipeError(f"the list has no entry {first!r}", where=value.where)
        inner = rest if first.isdecimal() or not rest else path
        items[index] = _put(items[index], inner, value)
        return Node(items, node.where)
    if isinstance(node.value, str) and rest:  # `resize` becomes `resize: {...}`
        node = Node({node.value: Node({}, node.where)}, node.where)
    keys = dict(node.value) if isinstance(node.value, dict) else {}
    keys[first] = _put(keys.get(first, Node({}, value.where)), rest, value)
    return Node(keys, node.where)


def _names(item: Node, name: str) -> bool:
    return item.value == name or (isinstance(item.value, dict) and list(item.value) == [name])
