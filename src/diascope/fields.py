"""Check values against the type hints of a class's parameters; errors name the value's line."""

import inspect
import json
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from diascope.display_text import describe_type
from diascope.document import Node, suggest
from diascope.errors import PluginError, RecipeError

_SHOWN = 80
_UNKNOWN = "unexpected_keyword_argument"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a class: its name, type hint and default.

    Attributes:
        limited: the type hint including the metadata of ``Annotated``, such as limits.
    """

    name: str
    hint: Any
    limited: Any
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def type_name(self) -> str:
        """The type in words, such as ``a whole number or nothing``."""
        return describe_type(self.hint)


def parameters(target: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the parameters of a class by name, in the order of its ``__init__``.

    Raises:
        PluginError: if the class cannot be inspected, or a parameter lacks a name or a type hint.
    """
    name = getattr(target, "__qualname__", repr(target))
    try:
        signature = inspect.signature(target)
        function = target.__init__ if inspect.isclass(target) else target
        hints = typing.get_type_hints(function)
        limited = typing.get_type_hints(function, include_extras=True)
        frozenset(hints.values())  # an unhashable hint, such as [int], is not a type
    except Exception as error:  # a hint in quotes may be any expression
        raise PluginError(f"the parameters of {name} cannot be read: {error}") from error
    found = {}
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise PluginError(
                f"{name} takes parameters without a name: {parameter}",
                hint="Recipes are checked against parameters: give each one a name.",
            )
        if parameter.name not in hints:
            raise PluginError(
                f"the parameter {parameter.name!r} of {name} has no type hint",
                hint="Recipes are checked against type hints: add one to each parameter.",
            )
        key = parameter.name
        found[key] = Parameter(key, hints[key], limited[key], parameter.default)
    return found


def check_hints(target: Callable[..., Any]) -> None:
    """Check that values can be converted to the types of the parameters that recipes must give.

    Raises:
        PluginError: if not, or as ``parameters`` does.
    """
    for parameter in parameters(target).values():
        if parameter.required:
            _adapter(parameter)


def require_valid_defaults(target: Callable[..., Any]) -> None:
    """Check that the defaults of a class's parameters have the types of their hints.

    Raises:
        PluginError: if one does not, or as ``check_hints`` does.
    """
    from pydantic import PydanticUserError, ValidationError

    made = fields(target) if is_dataclass(target) else ()
    by_factory = {each.name for each in made if each.default_factory is not MISSING}
    for parameter in parameters(target).values():
        adapter = _adapter(parameter)
        if parameter.required or parameter.name in by_factory:
            continue
        try:
            adapter.validate_python((parameter.default,), strict=True)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise PluginError(
                f"the default of {parameter.name!r}, {parameter.default!r}, is not "
                f"{parameter.type_name}: {reason}"
            ) from error
        except TypeError as error:  # of a limit, such as a text below a number
            raise PluginError(f"the default of {parameter.name!r}: {error}") from error
        except PydanticUserError:  # a class with hints that exist only for type checkers
            continue


def check_values(
    target: Callable[..., Any], values: dict[str, Node], *, where: str, base: Path | None = None
) -> dict[str, Any]:
    """Return the values as keyword arguments for ``target``, converted to its type hints.

    Args:
        target: a class, whose ``__init__`` has the type hints.
        values: the values as written in a document.
        where: the ``file:line`` to report when a value is missing.
        base: the folder in which relative paths are looked up before the current folder.

    Raises:
        RecipeError: with ``file:line``, for an unknown key, a missing or a wrong value.
    """
    known = parameters(target)
    for key, node in values.items():
        if key not in known:
            hint = suggest(key, list(known)) if known else "It takes no parameters."
            raise RecipeError(f"unknown key {key!r}", where=node.where, hint=hint)
    for parameter in known.values():
        if parameter.required and parameter.name not in values:
            kind = "" if parameter.hint is Any else f" ({parameter.type_name})"
            raise RecipeError(f"the key {parameter.name!r}{kind} is missing", where=where)
    return {key: _convert(known[key], node, base) for key, node in values.items()}


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
        at_fault = values.get(message.partition(" ")[0])  # most messages begin with the key
        raise RecipeError(message, where=at_fault.where if at_fault else where) from error


def _convert(parameter: Parameter, node: Node, base: Path | None) -> Any:
    from pydantic import ValidationError

    adapter = _adapter(parameter)
    try:  # strict JSON rules: no string becomes a number, a list may become a tuple
        (value,) = adapter.validate_json(json.dumps([node.plain()]), strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        within = [{**each, "loc": each["loc"][1:]} for each in errors]
        raise _mismatch(parameter, node, within) from error
    return _resolve_paths(value, base)


def _adapter(parameter: Parameter) -> Any:
    """Return pydantic's adapter for a tuple of one value of the parameter's type."""
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    # pydantic applies the configuration to a dataclass only if it is part of another type
    wrapped: Any = types.GenericAlias(tuple, (parameter.limited,))
    try:
        return TypeAdapter(wrapped, config={"extra": "forbid"})
    except PydanticSchemaGenerationError as error:
        raise PluginError(
            f"the parameter {parameter.name!r} has a type that no value of a recipe can have: "
            f"{parameter.type_name}",
            hint="Use numbers, texts, Path, Literal, and tuples, lists and dataclasses of them.",
        ) from error


def _mismatch(parameter: Parameter, node: Node, errors: Sequence[Any]) -> RecipeError:
    """Return an error that says what was expected.

    Of several errors inside a value, an unknown key is reported first, as it explains most.
    """
    union = typing.get_origin(parameter.hint) in (typing.Union, types.UnionType)
    kinds = [each for each in typing.get_args(parameter.hint) if each is not types.NoneType]
    several = union and len(kinds) > 1 and isinstance(node.value, dict)
    if several:
        errors = _errors_of_likely_type(errors)
    unknown = [each for each in errors if each["type"] == _UNKNOWN]
    first = (unknown or errors)[0]
    path = [part for part in first["loc"] if isinstance(part, int | str)]
    inside = ".".join(map(str, path))
    if unknown:
        return RecipeError(
            f"unknown key {inside!r} in {parameter.name}", where=_deepest(node, path)
        )
    detail = f" ({inside}: {first['msg']})" if inside and (several or not union) else ""
    if several and first["type"] == "value_error":
        detail = f" ({first['ctx']['error']})"
    limits = [each for each in errors if not each["type"].endswith(("_type", "literal_error"))]
    if limits and not detail and parameter.limited != parameter.hint:
        detail = f" ({limits[0]['msg']})"
    got = repr(node.plain())
    shown = got if len(got) <= _SHOWN else f"{got[:_SHOWN]}..."
    hint = ""
    if isinstance(node.value, str) and typing.get_origin(parameter.hint) is typing.Literal:
        hint = suggest(node.value, [str(choice) for choice in typing.get_args(parameter.hint)])
    message = f"{parameter.name} must be {parameter.type_name}, got {shown}{detail}"
    if detail.startswith(" (Input ") and len(kinds) <= 1:  # the type is right, the value is not
        message = f"{parameter.name} {detail[8:-1]}, got {shown}"
    return RecipeError(message, where=_deepest(node, path), hint=hint)


def _errors_of_likely_type(errors: Sequence[Any]) -> Sequence[Any]:
    """Return the errors of the type in a union whose keys match; an empty one if there is none.

    Args:
        errors: pydantic's errors of one value; each location begins with the type that was tried.
    """
    others = {each["loc"][0] for each in errors if each["type"] == _UNKNOWN}
    within = [
        {**each, "loc": each["loc"][1:]}
        for each in errors
        if each["loc"][0] not in others and (each["loc"][1:] or each["type"] == "value_error")
    ]
    return within or [{"loc": (), "type": "", "msg": ""}]


def _deepest(node: Node, path: Sequence[int | str]) -> str:
    """Return the ``file:line`` of the innermost value that a path leads to."""
    for part in path:
        children = dict(enumerate(node.value)) if isinstance(node.value, list) else node.value
        if not isinstance(children, dict) or part not in children:
            break
        node = children[part]
    return node.where


def _resolve_paths(value: Any, base: Path | None) -> Any:
    """Return a value with its paths made absolute: relative to ``base`` if that exists there, else
    to the current folder."""
    if type(value) in (tuple, list):
        return type(value)(_resolve_paths(each, base) for each in value)
    if not isinstance(value, Path):
        return value
    path = value.expanduser()
    if base is not None and (base / path).exists():
        return base / path
    return Path.cwd() / path
