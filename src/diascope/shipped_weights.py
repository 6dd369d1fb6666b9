"""Check that a model's package holds the weights that the model uses by default."""

import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from diascope.card import CARD_FILE, WEIGHTS_FILE
from diascope.errors import PluginError, WeightsError
from diascope.parameters import parameters
from diascope.plugins import Plugin, card_of


def check_model(plugin: Plugin, model: Any, given: Container[str] = ()) -> None:
    """Check a new model: its card, and the files of its package that its parameters default to.

    Args:
        given: the parameters that were given, which have no default.

    Raises:
        PluginError: if the package lacks files or their card is wrong, or as ``card_of`` does.
        WeightsError: if the card of other weights cannot be read.
    """
    own = list(_default_files(type(model), given))
    missing = [path for path in own if not path.exists()]
    if missing:
        raise _incomplete(plugin, f"there is no {missing[0]}")
    try:
        card = card_of(plugin, model)
    except WeightsError as error:
        if not own:
            raise
        cause = str(WeightsError(error.message, where=error.where))
        raise _incomplete(plugin, cause) from error
    for path in own if card.backbone else ():  # other models may keep their weights in any file
        if (path / CARD_FILE).is_file() and not (path / WEIGHTS_FILE).exists():
            raise _incomplete(plugin, f"there is no {path / WEIGHTS_FILE}")


def _default_files(loaded: type, given: Container[str]) -> Iterator[Path]:
    """Yield the files and folders of a model's package that its parameters default to.

    A default outside of it, such as a folder for downloads, need not exist.
    """
    module = sys.modules[loaded.__module__]
    if module.__file__ is None:
        return
    root = Path(module.__file__).parents[loaded.__module__.count(".")]
    for parameter in parameters(loaded).values():
        path = parameter.default
        if parameter.name in given or not isinstance(path, Path) or not path.is_relative_to(root):
            continue
        yield path


def _incomplete(plugin: Plugin, cause: str) -> PluginError:
    return PluginError(
        f"{plugin.title} cannot use its own weights: {cause}",
        hint=f"The package is incomplete or damaged. Reinstall {plugin.distribution}; if that does "
        "not help, tell its author.",
    )
