"""Memory that does not suffice for a training, which is a matter of its recipe."""

from collections.abc import Iterator
from contextlib import contextmanager

from diascope.errors import RecipeError, reason_of
from diascope.recipe import Recipe

_WORDS = ("can't allocate memory", "not enough memory", "out of memory")
"""In which torch tells of it: on Linux, on Windows, of accelerators."""


@contextmanager
def memory_told(recipe: Recipe) -> Iterator[None]:
    """Tell that memory ran out meanwhile, and what takes less of it.

    Raises:
        RecipeError: instead of what an allocator raised.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(each in str(error) for each in _WORDS):
            raise
        raise RecipeError(
            f"there is not enough memory for this training: {reason_of(error)}",
            where=str(recipe.path),
            hint="A smaller train.batch, a smaller size of resize or fewer filters take less.",
        ) from error
