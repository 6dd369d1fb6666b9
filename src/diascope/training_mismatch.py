"""Check whether a recipe reads and preprocesses pictures as in the training of its weights."""

import json
from typing import Any

from diascope.card import ModelCard
from diascope.errors import PluginError
from diascope.overrides import may_be_same
from diascope.parameters import parameters as parameters_of
from diascope.plugins import find_plugin, load_plugin
from diascope.recipe import Recipe


def mismatch_warnings(recipe: Recipe, card: ModelCard) -> list[str]:
    """Return a warning for each part of a recipe that differs from the training.

    Parts that the card does not specify are not compared.
    """
    plain = recipe.plain()
    now = _plain({key: plain[key] for key in ("read", "preprocess")})
    then = _plain({"read": card.read, "preprocess": card.preprocess})
    steps_then, steps_now = (
        [_name_and_parameters("preprocessing", step) for step in each["preprocess"]]
        for each in (then, now)
    )
    differences = {
        "read": _reader_differs(then["read"], now["read"]),
        "preprocess": len(steps_then) != len(steps_now)
        or any(map(_differs, steps_then, steps_now)),
    }
    return [
        f"{part} differs from how {recipe.model.name} was trained: {_inline(then[part])}; "
        "expect worse answers than its card states"
        for part, differs in differences.items()
        if then[part] and differs
    ]


def _reader_differs(then: Any, now: Any) -> bool:
    """Return whether a reader has other parameters. ``auto`` is any reader, without parameters.

    A different reader does not count: it reads other files, which cannot be compared.
    """
    name_then, parameters_then = _name_and_parameters("reader", then)
    name_now, parameters_now = _name_and_parameters("reader", now)
    comparable = _same_name(name_then, name_now) or "auto" in (name_then, name_now)
    return comparable and bool(parameters_then != parameters_now)


def _differs(then: tuple[Any, Any], now: tuple[Any, Any]) -> bool:
    """Return whether two steps, as names and parameters, differ."""
    return not _same_name(then[0], now[0]) or bool(then[1] != now[1])


def _same_name(then: Any, now: Any) -> bool:
    """Return whether two names, of which a card may hold anything, may mean one plugin."""
    texts = isinstance(then, str) and isinstance(now, str)
    return may_be_same(then, now) if texts else bool(then == now)


def _name_and_parameters(kind: str, written: Any) -> tuple[Any, Any]:
    """Return a plugin's name and its parameters, without those that equal their defaults."""
    if not isinstance(written, dict) or len(written) != 1:
        return written, {}
    ((name, parameters),) = written.items()
    if not isinstance(parameters, dict):  # a card may be written by hand
        return name, parameters or {}
    try:
        known = parameters_of(load_plugin(find_plugin(kind, name)))
    except PluginError:  # a plugin used in training that is not installed here
        return name, parameters
    defaults = _plain({key: each.default for key, each in known.items() if not each.required})
    return name, {k: value for k, value in parameters.items() if defaults.get(k, ...) != value}


def _inline(value: Any) -> str:
    """Return names and numbers in one line, as in a recipe."""
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def _plain(values: dict[str, Any]) -> Any:
    return json.loads(json.dumps(values, default=str))
