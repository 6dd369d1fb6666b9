"""Check values against the type hints of a class's parameters; errors name the value's line."""

import json
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from diascope.display_text import suggest
from diascope.document import Node
from diascope.errors import RecipeError
from diascope.package_files import PACKAGE, package_path
from diascope.parameters import Parameter, parameters, value_adapter

_SHOWN = 80
_EXPLAINED = ("_type", "_from_float", "literal_error", "_argument", "_than", "_than_equal")
"""How pydantic's names of errors end that the type and the limits in words explain."""
T = TypeVar("T")
Place = tuple[str, ...]
"""The names that lead to a value inside others, such as ``layer 4`` and ``conv``."""


def check_values(
    target: Callable[..., Any], values: dict[str, Node], *, where: str, base: Path | None = None
) -> dict[str, Any]:
    """Return the values as keyword arguments for ``target``, converted to its type hints.

    Args:
        target: a class, whose ``__init__`` has the type hints. If it has ``unknown_keys``, a
            mapping, this says of keys that people expect in vain what to write instead.
        values: the values as written in a document.
        where: the ``file:line`` to report when a value is missing.
        base: the folder in which relative paths are looked up before the current folder.

    Raises:
        RecipeError: with ``file:line``, for an unknown key, a missing or a wrong value. Of a value
            inside others it names the place, such as ``layer 4, conv``.
    """
    return _check(target, values, where, base, ())


def _check(
    target: Callable[..., Any],
    values: dict[str, Node],
    where: str,
    base: Path | None,
    place: Place,
) -> dict[str, Any]:
    known = parameters(target)
    for key, node in values.items():
        if key not in known:
            hint = suggest(key, list(known)) if known else "It takes no parameters."
            instead = getattr(target, "unknown_keys", {}).get(key, "")
            message = _placed(place, f"unknown key {key!r}")
            raise RecipeError(message, where=node.where, hint=f"{instead} {hint}".lstrip())
    for parameter in known.values():
        if parameter.required and parameter.name not in values:
            kind = "" if parameter.hint is Any else f" ({parameter.type_name})"
            message = _placed(place, f"the key {parameter.name!r}{kind} is missing")
            raise RecipeError(message, where=where)
    return {key: _convert(known[key], node, base, place) for key, node in values.items()}


def build(
    target: Callable[..., T], values: dict[str, Node], *, where: str, base: Path | None = None
) -> T:
    """Create an instance from checked values; its ValueErrors become RecipeErrors with a line."""
    return construct(target, check_values(target, values, where=where, base=base), values, where)


def construct(
    target: Callable[..., T], arguments: dict[str, Any], values: dict[str, Node], where: str
) -> T:
    """Create an instance; a ValueError or TypeError becomes a RecipeError with a line.

    Args:
        arguments: the values after ``check_values``.
    """
    try:
        return target(**arguments)
    except (ValueError, TypeError) as error:
        message = str(error) or type(error).__name__
        at_fault = values.get(message.partition(" ")[0].rstrip(":,"))  # messages begin with the key
        raise RecipeError(message, where=at_fault.where if at_fault else where) from error


def _convert(parameter: Parameter, node: Node, base: Path | None, place: Place) -> Any:
    from pydantic import ValidationError

    adapter = value_adapter(parameter)
    try:  # strict JSON rules: no string becomes a number, a list may become a tuple
        (value,) = adapter.validate_json(json.dumps([node.plain()]), strict=True)
    except ValidationError as error:
        _refuse_inner(parameter, node, place)
        raise _mismatch(parameter, node, place, error.errors(include_url=False)) from error
    try:
        return _resolve_paths(value, base)
    except ValueError as error:
        message = _placed(place, f"{parameter.name}: {error}")
        raise RecipeError(message, where=node.where) from error


def _refuse_inner(parameter: Parameter, node: Node, place: Place) -> None:
    """Raise a RecipeError for the first wrong value inside a wrong value, if one is to blame."""
    hint, limited = _likely_type(parameter, node)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    limits = typing.get_args(limited)
    within = (*place, parameter.name)
    kind = origin if inner and isinstance(origin, type) else object
    if isinstance(node.value, list) and issubclass(kind, Collection):
        fixed = origin is tuple and inner[1:] != (Ellipsis,)  # a type for each of its entries
        which = range(len(inner)) if fixed else [0] * len(node.value)
        for number, (index, child) in enumerate(zip(which, node.value, strict=False), 1):
            name = _entry_name(parameter.name, inner[index], number)
            _convert(Parameter(name, inner[index], limits[index]), child, None, place)
    elif isinstance(node.value, dict) and issubclass(kind, Mapping):
        for key, child in node.value.items():
            _convert(Parameter(key, inner[1], limits[1]), child, None, within)
    elif isinstance(node.value, dict) and is_dataclass(hint):
        target: Callable[..., Any] = hint  # type: ignore[assignment]
        arguments = _check(target, node.value, node.where, None, within)
        try:
            construct(target, arguments, node.value, node.where)
        except RecipeError as error:
            message = _placed(within, error.message)
            raise RecipeError(message, where=error.where, hint=error.hint) from error


def _likely_type(parameter: Parameter, node: Node) -> tuple[Any, Any]:
    """Return the type, without and with limits, that a list or keys were meant for, or None twice.

    In a union, this is its only type of that kind, or its only class that has all of the keys.
    """
    kinds = [
        (hint, _unlimited(limited))
        for hint, limited in zip(*map(_options, (parameter.hint, parameter.limited)), strict=False)
    ]
    if isinstance(node.value, dict) and len(kinds) > 1:
        kinds = [pair for pair in kinds if is_dataclass(pair[0])]
        if len(kinds) > 1:
            kinds = [pair for pair in kinds if set(node.value) <= set(parameters(pair[0]))]
    elif len(kinds) > 1:
        kinds = [pair for pair in kinds if typing.get_origin(pair[0]) in (list, tuple)]
    return kinds[0] if len(kinds) == 1 else (None, None)


def _options(hint: Any) -> list[Any]:
    """Return the types of a union except None, or the only type."""
    hint = _unlimited(hint)
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return [
        each for each in (typing.get_args(hint) if union else [hint]) if each is not types.NoneType
    ]


def _unlimited(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


def _entry_name(name: str, hint: Any, number: int) -> str:
    """Return what an entry of a list is called: ``layer 2`` for a ``Layer`` in ``layers``."""
    noun = getattr(hint, "__name__", "").lower()
    return f"{noun} {number}" if name == f"{noun}s" else f"entry {number} of {name}"


def _placed(place: Place, message: str) -> str:
    return f"{', '.join(place)}: {message}" if place else message


def _mismatch(parameter: Parameter, node: Node, place: Place, errors: Sequence[Any]) -> RecipeError:
    """Return an error that says what was expected."""
    kinds = _options(parameter.hint)
    limits = [each for each in errors if not each["type"].endswith(_EXPLAINED)]
    limit = limits[0]["msg"] if limits and parameter.limited != parameter.hint else ""
    if refused := [each for each in errors if each["type"] == "value_error"]:
        limit = str(refused[0]["ctx"]["error"])  # what the class itself says
    got = repr(node.plain())
    shown = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}..."
    hint = ""
    if isinstance(node.value, str) and all(typing.get_origin(k) is typing.Literal for k in kinds):
        hint = suggest(node.value, [str(each) for kind in kinds for each in typing.get_args(kind)])
    message = f"{parameter.name} must be {parameter.type_name}, got {shown}"
    if limit.startswith("Input ") and len(kinds) == 1:  # the type is right, the value is not
        message = f"{parameter.name} {limit.removeprefix('Input ')}, got {shown}"
    elif limit:
        message += f" ({limit})"
    return RecipeError(_placed(place, message), where=node.where, hint=hint)


def _resolve_paths(value: Any, base: Path | None) -> Any:
    """Return a value with its paths made absolute.

    They are relative to ``base`` if they exist there, else to the current folder;
    ``package://NAME/PATH`` lies in an installed package.

    Raises:
        ValueError: if there is no such package.
    """
    if type(value) in (tuple, list):
        return type(value)(_resolve_paths(each, base) for each in value)
    if type(value) is dict:
        return {key: _resolve_paths(each, base) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        held = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
        if signature(type(value)).parameters.keys() != held.keys():
            return value  # an InitVar, whose value is gone
        resolved = {name: _resolve_paths(each, base) for name, each in held.items()}
        return value if resolved == held else replace(value, **resolved)
    if not isinstance(value, Path):
        return value
    if value.parts and f"{value.parts[0]}//" == PACKAGE:  # a Path has dropped one of the slashes
        return package_path(PACKAGE + "/".join(value.parts[1:]))
    path = value.expanduser()
    if base is not None and (base / path).exists():
        return base / path
    return Path.cwd() / path
