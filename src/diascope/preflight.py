"""Check recipe, plugins, weights and a sample of the inputs before anything heavy is loaded."""

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from diascope.card import ModelCard, check_digest
from diascope.decision import check_thresholds
from diascope.engine_selection import check_engine_request
from diascope.errors import DiascopeError, RecipeError, UsageError, reason_of
from diascope.input_choice import find_inputs
from diascope.network_input import to_network_input
from diascope.output import check_local
from diascope.pipeline import Pipeline
from diascope.plugin_creation import make_backbone
from diascope.privacy import redact_record
from diascope.sample import Failed, Item, Prediction, Sample, Skipped

SAMPLED = 100
"""How many inputs are read and preprocessed, spread evenly over those listed."""

_MOST_LISTED = 100_000
_MOST_WARNINGS = 10


@dataclass
class Check:
    """The result of a pre-flight check.

    Attributes:
        found: inputs listed, at most 100,000.
        sampled: inputs that were tried.
        read: how many of these were read and preprocessed without error.
        notes: what is in order, one line each.
        warnings: what a run will warn of, and which inputs it will not classify, one line each.
        problems: what will go wrong, one line each.
    """

    found: int = 0
    sampled: int = 0
    read: int = 0
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check(pipeline: Pipeline, named: Sequence[str], lists: Sequence[Path] = ()) -> Check:
    """Check a composed pipeline and read a sample of its inputs.

    Torch is imported only to look for an accelerator on machines that may have one.

    Raises:
        UsageError: if an input does not exist.
    """
    result = Check(warnings=list(pipeline.warnings))
    for part in (*pipeline.parts, *pipeline.reports, pipeline.executor):
        result.notes.append(f"plugin {part.plugin.title}")
        if reason := _pickling_fault(part.instance):
            _note_unpicklable(pipeline, f"{part.plugin.title} cannot be pickled ({reason})", result)
    card, weights = pipeline.model.instance.card, pipeline.weights
    coverage = pipeline.recipe.run.coverage
    if card.backbone:
        with _note_problems(pipeline, result):
            if weights is not None:
                check_digest(card, weights)
                result.notes.append(f"weights {weights} SHA-256 {card.digest}")
            make_backbone(card.backbone, card.backbone_parameters)
        with _note_problems(pipeline, result):
            if coverage is not None:
                check_thresholds(card, coverage)
    with _note_problems(pipeline, result):  # any executor: this machine chooses the engine
        result.notes.append(f"on {', '.join(pipeline.devices)}")
        if card.backbone and weights is not None:
            for device in pipeline.devices:
                check_engine_request(card, weights, pipeline.runtime(device))
    with _note_problems(pipeline, result):
        check_local(Path(pipeline.recipe.output or "."))
    _check_inputs(pipeline, named, lists, result)
    return result


def _note_unpicklable(pipeline: Pipeline, fault: str, result: Check) -> None:
    is_local = pipeline.recipe.executor.name == "local"
    if is_local and pipeline.workers == 0:
        return
    told = f"{fault}, as worker processes need; --set run.workers=0 needs none"
    if not is_local:
        told = f"{fault}, as the executor {pipeline.recipe.executor.name} may need"
    (result.problems if is_local and pipeline.workers != "auto" else result.warnings).append(told)


def _pickling_fault(instance: Any) -> str:
    """Return why a plugin cannot be pickled, or an empty text."""
    try:
        pickle.dumps(instance)
    except Exception as error:  # a plugin's class may raise anything
        return reason_of(error)
    return ""


@contextmanager
def _note_problems(pipeline: Pipeline, result: Check) -> Iterator[None]:
    """Note a DiascopeError as a problem."""
    try:
        yield
    except RecipeError as error:
        result.problems.append(str(pipeline.recipe.locate(error)))
    except DiascopeError as error:
        result.problems.append(str(error))


def _check_inputs(
    pipeline: Pipeline, named: Sequence[str], lists: Sequence[Path], result: Check
) -> None:
    try:
        found = find_inputs(pipeline.recipe, named, lists, exclude=pipeline.recipe.output)
    except UsageError as error:  # the recipe names no input, which is a problem to list
        result.problems.append(error.message)
        return
    every = list(islice(found, _MOST_LISTED + 1))
    if len(every) > _MOST_LISTED:
        del every[_MOST_LISTED:]
        result.notes.append(f"only the first {_MOST_LISTED:,} inputs were listed; there are more")
    items = [entry.item for entry in every if entry.end is None]
    lost = [entry.end for entry in every if isinstance(entry.end, Failed)]
    result.found = len(every)
    result.warnings += _describe_ends(pipeline, lost, len(every))
    if not items:
        result.problems.append("the inputs hold no files that can be read")
    sampled, ends = min(len(items), SAMPLED), list[Failed | Skipped]()
    for number in range(sampled):
        result.sampled += 1
        if not _check_item(pipeline, items[number * len(items) // sampled], result, ends):
            break
    else:
        if items and not result.read:
            result.problems.append("none of the inputs that were tried can be classified")
    result.warnings += _describe_ends(pipeline, ends, result.sampled)


def _check_item(
    pipeline: Pipeline, item: Item, result: Check, ends: list[Failed | Skipped]
) -> bool:
    """Note what becomes of an item; return False on a wrong size, which all pictures share."""
    card = pipeline.model.instance.card
    outcome = next(pipeline.preparation.prepare_all(item))
    if isinstance(outcome, Failed | Skipped):
        ends.append(outcome)
    elif card.backbone and (reason := _input_fault(outcome[0], card)):
        if outcome[0].pixels.shape[:2] != tuple(card.size):
            result.problems.append(f"{item.id}: {reason}")
            return False
        ends.append(Failed(item, "model", pipeline.model.plugin.name, reason))
    else:
        result.read += 1
    return True


def _input_fault(sample: Sample, card: ModelCard) -> str:
    """Return why a network cannot take a picture, or an empty text."""
    try:
        to_network_input(sample, card.size, card.channels)
    except ValueError as error:
        return str(error)
    return ""


def _describe_ends(
    pipeline: Pipeline, ends: Sequence[Failed | Skipped], total: int
) -> Iterator[str]:
    """Yield a line for each reason why items, of a total, would not be classified."""
    names: dict[tuple[str, str], list[str]] = {}
    for record in ends:
        shown = redact_record(record) if pipeline.recipe.privacy == "strict" else record
        assert not isinstance(shown, Prediction)  # redacting does not change the type
        end = f"fail ({shown.stage})" if isinstance(shown, Failed) else "be skipped"
        names.setdefault((end, shown.reason), []).append(shown.item.id)
    lines = sorted(names.items(), key=lambda each: -len(each[1]))
    for (end, reason), items in lines[:_MOST_WARNINGS]:
        if len(items) == 1:
            yield f"{items[0]} would {end}: {reason}"
        else:
            yield f"{len(items):,} of {total:,} would {end}: {reason}, such as {items[0]}"
    if more := sum(len(items) for _, items in lines[_MOST_WARNINGS:]):
        yield f"{more:,} more would fail or be skipped for other reasons"
