"""Whether a recipe reads and prepares pictures as the training of its weights did."""

import json
from typing import Any

from diascope.card import ModelCard
from diascope.errors import PluginError
from diascope.fields import parameters as parameters_of
from diascope.plugins import find_plugin, load_plugin
from diascope.recipe import Recipe


def mismatch_warnings(recipe: Recipe, card: ModelCard) -> list[str]:
    """Return a warning of each part of a recipe that differs from the training.

    Of parts that the card does not name, nothing is said.
    """
    written = recipe.plain()
    now = _plain({key: written[key] for key in ("read", "preprocess")})
    then = _plain({"read": card.read, "preprocess": card.preprocess})
    steps, others = (
        [_parted("preprocessing", each) for each in which["preprocess"]] for which in (then, now)
    )
    other = {"read": _reads_otherwise(then["read"], now["read"]), "preprocess": steps != others}
    return [
        f"{part} differs from how {recipe.model.name} was trained: {_flow(then[part])}; "
        "expect worse answers than its card states"
        for part, differs in other.items()
        if then[part] and differs
    ]


def _reads_otherwise(then: Any, now: Any) -> bool:
    """Whether a reader has other parameters; ``auto`` stands for every reader, without any.

    Another reader is of other files, of which the training tells nothing.
    """
    (reader, parameters), (other, others) = _parted("reader", then), _parted("reader", now)
    return parameters != others and (reader == other or "auto" in (reader, other))


def _parted(kind: str, written: Any) -> tuple[Any, Any]:
    """Return a plugin's name and its parameters, without those that are as if not written."""
    if not isinstance(written, dict) or len(written) != 1:
        return written, {}
    ((name, parameters),) = written.items()
    if not isinstance(parameters, dict):  # a card may be written by hand
        return name, parameters or {}
    try:
        known = parameters_of(load_plugin(find_plugin(kind, name)))
    except PluginError:  # one of the training that is not installed here
        return name, parameters
    defaults = _plain({key: each.default for key, each in known.items() if not each.required})
    told = {key: value for key, value in parameters.items() if defaults.get(key, ...) != value}
    return name, told


def _flow(value: Any) -> str:
    """Return names and numbers as a recipe could hold them in one line."""
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def _plain(values: dict[str, Any]) -> Any:
    return json.loads(json.dumps(values, default=str))
