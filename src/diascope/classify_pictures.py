"""Classify pictures from Python, without an output folder: ``open_pipeline`` and ``classify``."""

from __future__ import annotations  # the imports below are only for the type checker

import os
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING
from warnings import warn

if TYPE_CHECKING:
    from diascope.pipeline import Pipeline
    from diascope.sample import Found, Item, Record


def open_pipeline(recipe: str | os.PathLike[str], *overrides: str) -> Pipeline:
    """Read a recipe and load the plugins that it names.

    ``run.workers: auto`` means none here, because worker processes import the caller's script
    again: a script that sets a number needs ``if __name__ == "__main__":``.

    Args:
        recipe: path of the recipe, or its name if a package ships it, such as ``derm.yaml``.
        overrides: values that replace those of the recipe, such as ``"run.device=cpu"``.

    Warns:
        UserWarning: of what ``pipeline check`` warns, such as steps that differ from training.

    Raises:
        UsageError: for an override that is no text.
        RecipeError: if the recipe is missing or wrong, with its file and line.
        PluginError: for a plugin that is missing, broken or ambiguous.
        WeightsError: if the model's card is missing or wrong.
    """
    from diascope.errors import UsageError
    from diascope.pipeline import compose
    from diascope.recipe import read_recipe

    for override in overrides:
        if not isinstance(override, str):
            raise UsageError(
                f"an override must be a text such as 'run.batch=3', got {override!r}",
                hint="Write each as an argument of its own; put * before a list of them.",
            )
    read = read_recipe(os.fspath(recipe), overrides)
    if read.run.workers == "auto":
        read = replace(read, run=replace(read.run, workers=0))
    pipeline = compose(read)
    for message in pipeline.warnings:
        warn(message, stacklevel=2)
    return pipeline


def classify(pipeline: Pipeline, *inputs: str | os.PathLike[str]) -> Generator[Record, None, None]:
    """Classify pictures, and yield one Prediction, Failed or Skipped for each, in order.

    Nothing is written: for reports, and to resume after a kill, there is ``pipeline run``, which
    gives the same scores. The model is loaded for the first picture and stays loaded. A file that
    is found twice is classified once. Reading is lazy: a few chunks of ``run.batch`` pictures are
    ahead of what was taken, and errors are raised when the first record is taken.

    Args:
        inputs: files, folders, globs and URIs; without any, the recipe's own.

    Raises:
        UsageError: if an input does not exist or is no path, none is named at all, or something
            else is given for the pipeline.
        WeightsError: if the weights do not load.
        RecipeError: if a device or the engine is not available on this machine.
        PluginError: if the executor fails or leaves items undone.
    """
    from diascope.errors import UsageError
    from diascope.input_choice import find_inputs

    check_pipeline(pipeline)
    for each in inputs:
        if not isinstance(each, str | os.PathLike):
            raise UsageError(
                f"an input must be a path, a glob or a URI, got {each!r}",
                hint="Write each as an argument of its own; put * before a list of them.",
            )
    named = [os.fspath(each) for each in inputs]
    yield from classify_found(pipeline, find_inputs(pipeline.recipe, named, (), exclude=None))


def check_pipeline(given: object) -> None:
    """Raise a UsageError for anything but a pipeline, such as the name of a recipe."""
    from diascope.errors import UsageError
    from diascope.pipeline import Pipeline

    if not isinstance(given, Pipeline):
        shown = repr(given) if isinstance(given, str | os.PathLike) else type(given).__name__
        raise UsageError(
            f"expected a pipeline, got {shown}",
            hint='Write diascope.open_pipeline("RECIPE") instead.',
        )


def classify_found(pipeline: Pipeline, found: Iterator[Found]) -> Generator[Record, None, None]:
    """Classify what a search found, as ``classify`` does."""
    from diascope.errors import PluginError
    from diascope.run_executor import run_executor

    waiting: deque[Found] = deque()
    answers: dict[Item, Record] = {}
    with closing(run_executor(pipeline, _chunks(found, waiting, pipeline.batch))) as chunks:
        for records in chunks:
            answers |= {record.item: record for record in records}
            yield from _take_finished(waiting, answers)
    yield from _take_finished(waiting, answers)
    if waiting:
        raise PluginError(f"{pipeline.executor.plugin.title}: it left {waiting[0].item.id} undone")


def _chunks(found: Iterator[Found], waiting: deque[Found], batch: int) -> Iterator[list[Item]]:
    """Yield chunks of items to classify; add all that were found, in order, to ``waiting``."""

    def pending() -> Iterator[Item]:
        seen = set[str]()
        for each in found:
            if each.item.uri in seen:
                continue
            seen.add(each.item.uri)
            waiting.append(each)
            if each.end is None:
                yield each.item

    items = pending()
    while chunk := list(islice(items, batch)):
        yield chunk


def _take_finished(waiting: deque[Found], answers: dict[Item, Record]) -> Iterator[Record]:
    """Remove and yield the records up to the first item that is not finished."""
    while waiting and (record := waiting[0].end or answers.pop(waiting[0].item, None)):
        waiting.popleft()
        yield record
