"""The parameters of a class: their names, type hints and defaults."""

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from diascope.errors import PluginError
from diascope.type_text import describe_type


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
        """The type and its limits in words, such as ``a number from 0 to 1 or nothing``."""
        return describe_type(self.limited)


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
            value_adapter(parameter)


def require_valid_defaults(target: Callable[..., Any]) -> None:
    """Check that the defaults of a class's parameters have the types of their hints.

    Raises:
        PluginError: if one does not, or as ``check_hints`` does.
    """
    from pydantic import PydanticUserError, ValidationError

    made = fields(target) if is_dataclass(target) else ()
    by_factory = {each.name for each in made if each.default_factory is not MISSING}
    for parameter in parameters(target).values():
        adapter = value_adapter(parameter)
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


def value_adapter(parameter: Parameter) -> Any:
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
