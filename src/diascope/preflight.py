"""Look at recipe, plugins, weights and a sample of the inputs before anything heavy is loaded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from diascope.card import check_digest
from diascope.decision import check_thresholds
from diascope.engine_selection import check_engine_request
from diascope.errors import DiascopeError, RecipeError
from diascope.inputs import find_items
from diascope.output import check_local
from diascope.pipeline import Pipeline
from diascope.plugin_creation import make_backbone
from diascope.privacy import redact_record
from diascope.pseudonyms import pseudonymise
from diascope.sample import Failed, Item, Prediction, Skipped

SAMPLED = 100
"""Inputs that are read and preprocessed, spread evenly over those that were listed."""

_LISTED = 100_000
_SHOWN = 10


@dataclass
class Check:
    """What a pre-flight found.

    Attributes:
        found: inputs listed, at most 100,000.
        sampled: inputs that were tried.
        read: of these, inputs read and preprocessed without fault.
        notes: what is in order, a line each.
        warnings: what a run will warn of, and which inputs it will not classify, a line each.
        problems: what will go wrong, a line each.
    """

    found: int = 0
    sampled: int = 0
    read: int = 0
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check(pipeline: Pipeline, named: Sequence[str], lists: Sequence[Path] = ()) -> Check:
    """Check a composed pipeline and read a sample of its inputs.

    Torch is imported only to ask for an accelerator, where there may be one.

    Raises:
        UsageError: if an input is not there.
    """
    result = Check(warnings=list(pipeline.warnings))
    for part in (*pipeline.parts, *pipeline.reports, pipeline.executor):
        result.notes.append(f"plugin {part.plugin.title}")
    card, weights = pipeline.model.instance.card, pipeline.weights
    coverage = pipeline.recipe.run.coverage
    if card.backbone:
        with _noted(pipeline, result):
            if weights is not None:
                check_digest(card, weights)
                result.notes.append(f"weights {weights} SHA-256 {card.digest}")
            make_backbone(card.backbone, card.backbone_parameters)
        with _noted(pipeline, result):
            if coverage is not None:
                check_thresholds(card, coverage)
    with _noted(pipeline, result):  # whoever executes: the engine is chosen on this machine
        result.notes.append(f"on {', '.join(pipeline.devices)}")
        if card.backbone and weights is not None:
            for device in pipeline.devices:
                check_engine_request(card, weights, pipeline.runtime(device))
    with _noted(pipeline, result):
        check_local(Path(pipeline.recipe.output or "."))
    _check_inputs(pipeline, named, lists, result)
    return result


@contextmanager
def _noted(pipeline: Pipeline, result: Check) -> Iterator[None]:
    """Note an error of ours as a problem."""
    try:
        yield
    except RecipeError as error:
        result.problems.append(str(pipeline.recipe.locate(error)))
    except DiascopeError as error:
        result.problems.append(str(error))


def _check_inputs(
    pipeline: Pipeline, named: Sequence[str], lists: Sequence[Path], result: Check
) -> None:
    own = not named and not lists
    if own and not pipeline.recipe.input:
        result.problems.append(
            "nothing to classify: neither the recipe nor the command line names an input"
        )
        return
    base = pipeline.recipe.base if own else None
    found = find_items(
        pipeline.recipe.input if own else named,
        lists,
        base=base,
        exclude=pipeline.recipe.output,
    )
    if pipeline.recipe.privacy == "strict":
        found = pseudonymise(found)
    every = list(islice(found, _LISTED + 1))
    if len(every) > _LISTED:
        del every[_LISTED:]
        result.notes.append(f"there are more inputs than the first {_LISTED:,}, which were listed")
    items = [entry.item for entry in every if entry.end is None]
    lost = [entry.end for entry in every if isinstance(entry.end, Failed)]
    result.found = len(every)
    result.warnings += [_told(pipeline, end) for end in lost[:_SHOWN]]
    if len(lost) > _SHOWN:
        result.warnings.append(f"{len(lost) - _SHOWN} more would fail as they are found")
    if not items:
        result.problems.append("the inputs hold no files that can be read")
    sampled = min(len(items), SAMPLED)
    for number in range(sampled):
        result.sampled += 1
        if not _check_item(pipeline, items[number * len(items) // sampled], result):
            return
    if items and not result.read:
        result.problems.append("none of the inputs that were tried can be classified")


def _check_item(pipeline: Pipeline, item: Item, result: Check) -> bool:
    """Note what becomes of an item; say whether to go on: a wrong size is that of all pictures."""
    card = pipeline.model.instance.card
    size = tuple(card.size)
    outcome = next(pipeline.preparation.prepare_all(item))
    if isinstance(outcome, Failed | Skipped):
        result.warnings.append(_told(pipeline, outcome))
    elif card.backbone and outcome[0].pixels.shape[:2] != size:
        got = outcome[0].pixels.shape
        result.problems.append(
            f"{item.id}: the model takes {size[1]}x{size[0]} pixels, preprocess gives "
            f"{got[1]}x{got[0]}; add `resize: {{size: [{size[0]}, {size[1]}]}}`"
        )
        return False
    else:
        result.read += 1
    return True


def _told(pipeline: Pipeline, outcome: Failed | Skipped) -> str:
    told = redact_record(outcome) if pipeline.recipe.privacy == "strict" else outcome
    assert not isinstance(told, Prediction)  # it is of the kind that it was
    end = f"fail ({told.stage})" if isinstance(told, Failed) else "be skipped"
    return f"{told.item.id} would {end}: {told.reason}"
