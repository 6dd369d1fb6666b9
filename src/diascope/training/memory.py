"""Memory that does not suffice for a training, which is a matter of its recipe."""

from collections.abc import Iterator
from contextlib import contextmanager

from diascope.errors import RecipeError, reason_of
from diascope.recipe import Recipe

_WORDS = ("can't allocate memory", "not enough memory", "out of memory")
"""In which torch tells of it: on Linux, on Windows, of accelerators."""

_ENDED = "DataLoader worker"
_SHARED = "unable to allocate shared memory"


@contextmanager
def explain_out_of_memory(recipe: Recipe) -> Iterator[None]:
    """Tell that memory ran out meanwhile, here or in a reading process, and what helps.

    Raises:
        RecipeError: instead of what an allocator or torch's loader raised.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        words = str(error)
        if words.startswith(_ENDED) or _SHARED in words:
            message = "a process that read for this training was ended, or had no memory"
            hint = (
                "Its memory may have run out, in a container the shared one (--shm-size). The same "
                "command goes on; with run.workers=0 it needs no such process."
            )
        elif isinstance(error, MemoryError) or any(each in words for each in _WORDS):
            message = "there is not enough memory for this training"
            hint = "A smaller train.batch, a smaller size of resize or fewer filters take less."
        else:
            raise
        told = reason_of(error)
        if words.startswith("Caught"):  # by a reading process, whose traceback comes first
            told = words.strip().rpartition("\n")[2]
        message = f"{message}: {told}"
        raise RecipeError(message, where=str(recipe.path), hint=hint) from error
