"""Run the executor of a pipeline, and check what it yields: it may be a plugin."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from diascope.contract_checks import chunk_fault
from diascope.errors import DiascopeError, PluginError
from diascope.output_errors import is_disk_full
from diascope.pipeline import Pipeline
from diascope.plugins import blame_plugin, is_raised_by
from diascope.privacy import remove_paths
from diascope.sample import Item, Record


def run_executor(
    pipeline: Pipeline, chunks: Iterator[list[Item]]
) -> Generator[Sequence[Record], None, None]:
    """Yield the records that the pipeline's executor makes of chunks of items.

    Raises:
        PluginError: if the executor's own code raises an error that is not a DiascopeError, or if
            it yields anything but Records of the items it took.
    """
    executor = pipeline.executor
    waiting: set[Item] = set()
    try:
        work = executor.instance.run(pipeline, _track_waiting(chunks, waiting))
        if not isinstance(work, Generator):
            kind = type(work).__name__
            raise PluginError(f"{executor.plugin.title}: expected run() as a generator, got {kind}")
        with closing(work) as results:
            for records in results:
                if fault := chunk_fault(records, waiting):
                    raise PluginError(f"{executor.plugin.title}: {fault}")
                waiting.difference_update(record.item for record in records)
                yield records
    except BaseException as error:
        if isinstance(error, DiascopeError) and pipeline.recipe.privacy == "strict":
            error.message = remove_paths(error.message, *waiting)
        if is_disk_full(error) or not is_raised_by(executor.plugin, error):
            raise
        with blame_plugin(executor.plugin, "failed"):  # lets DiascopeErrors and interrupts through
            raise


def _track_waiting(chunks: Iterator[list[Item]], waiting: set[Item]) -> Iterator[list[Item]]:
    """Yield the chunks, and add the items of each to ``waiting`` as it is taken."""
    for chunk in chunks:
        waiting.update(chunk)
        yield chunk
