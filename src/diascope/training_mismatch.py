"""Compare how a recipe reads and preprocesses pictures with the training of its weights."""

import json
from typing import Any

from diascope.card import ModelCard
from diascope.errors import PluginError
from diascope.parameters import parameters as parameters_of
from diascope.plugins import find_plugin, load_plugin
from diascope.recipe import Recipe


def describe_preparation(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe's ``read`` and ``preprocess`` for the card of weights trained with it.

    All parameters are stated, except for defaults that no YAML can hold, such as a path in a
    package: a later version of a plugin may have other defaults. So are the distributions of
    third-party plugins, because another one may have the same names.
    """
    plain = recipe.plain()
    return {
        "read": "auto" if plain["read"] == "auto" else _describe("reader", plain["read"]),
        "preprocess": tuple(_describe("preprocessing", step) for step in plain["preprocess"]),
    }


def mismatch_warnings(recipe: Recipe, card: ModelCard) -> list[str]:
    """Return a warning for each part of a recipe that differs from the training.

    Parts that the card does not specify are not compared.
    """
    plain = _plain(recipe.plain())
    then, now = (
        {"read": _shorten("reader", read), "preprocess": _shorten_steps(steps)}
        for read, steps in (
            (_plain(card.read), _plain(card.preprocess)),
            (plain["read"], plain["preprocess"]),
        )
    )
    differences = {
        "read": card.read and _reader_differs(then["read"], now["read"]),
        "preprocess": card.preprocess and _steps_differ(then["preprocess"], now["preprocess"]),
    }
    return [
        f"{part} differs from how {recipe.model.name} was trained: {_inline(then[part])}; "
        "expect worse answers than its card states"
        for part, differs in differences.items()
        if differs
    ]


def _describe(kind: str, written: Any) -> Any:
    """Return a reference with the values of all parameters."""
    name, given = next(iter(written.items())) if isinstance(written, dict) else (written, {})
    plugin = find_plugin(kind, name)
    owner = "" if plugin.distribution == "diascope" else f"{plugin.distribution}:"
    loaded = load_plugin(plugin)
    known = parameters_of(loaded)
    stated = given | {
        key: _plain(known[key].default)
        for key in known
        if key not in given and _is_plain(known[key].default)
    }
    stated = {key: value for key, value in stated.items() if key not in _selecting(loaded)}
    return {f"{owner}{plugin.name}": stated} if stated else f"{owner}{plugin.name}"


def _shorten(kind: str, written: Any) -> Any:
    """Return a reference without the parameters that equal the defaults of today.

    Anything else, which a card written by hand may hold, is returned as it is.
    """
    if not (isinstance(written, dict) and len(written) == 1):
        return written
    ((name, given),) = written.items()
    if given and not isinstance(given, dict):
        return written
    try:
        defaults = _defaults(kind, name)
    except PluginError:  # a plugin used in training that is not installed here
        return written
    selecting = _selecting(load_plugin(find_plugin(kind, name)))
    kept = {
        key: value
        for key, value in (given or {}).items()
        if defaults.get(key, ...) != value and key not in selecting
    }
    return {name: kept} if kept else name


def _shorten_steps(written: list[Any]) -> list[Any]:
    return [_shorten("preprocessing", step) for step in written]


def _defaults(kind: str, name: str) -> dict[str, Any]:
    """Return the defaults of a plugin's parameters as plain values.

    Raises:
        PluginError: if it is missing, broken or ambiguous.
    """
    known = parameters_of(load_plugin(find_plugin(kind, name)))
    plain = _plain({key: each.default for key, each in known.items() if not each.required})
    return dict(plain)


def _reader_differs(then: Any, now: Any) -> bool:
    """Return whether a reader has other parameters. ``auto`` is any reader, without parameters.

    A different reader does not count: it reads other files, which cannot be compared.
    """
    (name_then, given_then), (name_now, given_now) = map(_split, (then, now))
    comparable = "auto" in (name_then, name_now) or _same_plugin("reader", name_then, name_now)
    return comparable and bool(given_then != given_now)


def _steps_differ(then: list[Any], now: list[Any]) -> bool:
    pairs = [(_split(one), _split(other)) for one, other in zip(then, now, strict=False)]
    return len(then) != len(now) or any(
        given_then != given_now or not _same_plugin("preprocessing", name_then, name_now)
        for (name_then, given_then), (name_now, given_now) in pairs
    )


def _split(reference: Any) -> tuple[Any, Any]:
    """Return the name and the parameters of a reference."""
    if isinstance(reference, dict) and len(reference) == 1:
        return next(iter(reference.items()))
    return reference, {}


def _same_plugin(kind: str, then: Any, now: Any) -> bool:
    """Return whether two names, of which a card may hold anything, mean one installed plugin."""
    try:
        return find_plugin(kind, str(then)) == find_plugin(kind, str(now))
    except PluginError:  # such as a name that several distributions claim
        return False


def _selecting(loaded: type) -> tuple[str, ...]:
    """Return the parameters that choose what is read, without changing how it is read."""
    return getattr(loaded, "selecting", ())


def _is_plain(default: Any) -> bool:
    """Return whether a default is the same on every machine, unlike a path in a package."""
    try:
        json.dumps(default)
    except TypeError:
        return False
    return True


def _inline(value: Any) -> str:
    """Return names and numbers in one line, as in a recipe."""
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def _plain(values: Any) -> Any:
    return json.loads(json.dumps(values, default=str))
