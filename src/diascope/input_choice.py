"""Choose the items of a command: those of the inputs that it names, or else the recipe's own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from diascope.errors import UsageError
from diascope.inputs import find_items
from diascope.pseudonyms import pseudonymise
from diascope.recipe import Recipe
from diascope.sample import Found


def find_inputs(
    recipe: Recipe, named: Sequence[str], lists: Sequence[Path], *, exclude: Path | str | None
) -> Iterator[Found]:
    """Return the items found, with pseudonyms under ``privacy: strict``.

    The search begins when the first item is taken.

    Args:
        named: inputs, as typed; if there are neither these nor lists, the recipe's are used.
        lists: files that list paths.
        exclude: a folder that is not searched, such as the output folder.

    Raises:
        UsageError: at once if no input is named at all; while searching as ``find_items`` does.
    """
    own = not named and not lists
    if own and not recipe.input:
        raise UsageError("nothing to classify: neither the recipe nor the command names an input")
    inputs, base = (recipe.input, recipe.base) if own else (named, None)
    found = find_items(inputs, lists, base=base, exclude=exclude)
    return pseudonymise(found) if recipe.privacy == "strict" else found
