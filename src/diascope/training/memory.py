"""Turn out-of-memory errors of a training into recipe errors with advice."""

from collections.abc import Iterator
from contextlib import contextmanager

from diascope.errors import RecipeError, reason_of
from diascope.recipe import Recipe

_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
"""Phrases in torch's messages: on Linux, on Windows, for accelerators, of cuBLAS and cuDNN."""

_ENDED = "DataLoader worker"
_SHARED = "unable to allocate shared memory"


@contextmanager
def explain_out_of_memory(recipe: Recipe) -> Iterator[None]:
    """Report that memory ran out in this block, here or in a reading process, with a remedy.

    Raises:
        RecipeError: in place of the error of an allocator or of torch's DataLoader.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        words = str(error)
        if words.startswith(_ENDED) or _SHARED in words:
            message = "a reading process of this training was ended, or ran out of memory"
            hint = (
                "Memory may have run out; in a container, shared memory (--shm-size). The same "
                "command resumes; with run.workers=0 it uses no reading processes."
            )
        elif isinstance(error, MemoryError) or any(each in words for each in _WORDS):
            message = "there is not enough memory for this training"
            hint = (
                "A smaller train.batch (run.batch for the features of whole items), a smaller "
                "resize or fewer filters need less."
            )
        else:
            raise
        reason = reason_of(error)
        if words.startswith("Caught"):  # in a reading process: its traceback comes first
            reason = words.strip().rpartition("\n")[2]
        message = f"{message}: {reason}"
        raise RecipeError(message, where=str(recipe.path), hint=hint) from error
