"""How a recipe's model looks at one picture, with all that lies between file and answer kept."""

from dataclasses import replace
from itertools import islice

from torch import Tensor

from diascope.classifier import Classifier
from diascope.contract_checks import score_fault
from diascope.contracts import Step
from diascope.errors import PluginError, ReadError, RecipeError
from diascope.explain.steps import Stage, taken, walked
from diascope.file_warnings import warnings_from_facts
from diascope.pipeline import Pipeline
from diascope.preparation import Preparation
from diascope.sample import Failed, Item, Prediction, Sample, Skipped

OVERRIDES = (
    "run.evidence=none",
    "run.engine=torch",
    "run.precision=float32",
    "run.devices=null",
)
"""Of a recipe whose model is looked into: that can be done in PyTorch, whatever runs it else."""


def classifier_of(pipeline: Pipeline) -> Classifier:
    """Return the loaded model.

    Raises:
        RecipeError: if it is to be loaded onto several devices.
        PluginError: if it is no backbone and head.
    """
    if len(pipeline.devices) > 1:
        raise RecipeError(
            "a model is looked into on one device, and run.devices names several",
            where=str(pipeline.recipe.path),
            hint="Leave --set run.devices=... out, or name one by --set run.device=....",
        )
    if pipeline.devices == ("mps",):  # which has no double precision, nor pooling to any size
        options = replace(pipeline.recipe.run, device="cpu", devices=None)
        pipeline.recipe = replace(pipeline.recipe, run=options)
    predictor = pipeline.load()
    if not isinstance(predictor, Classifier):
        raise PluginError(
            f"{pipeline.model.plugin.title} cannot be looked into: it is no backbone with a head",
            hint="A model whose load() returns a diascope Classifier can.",
        )
    return predictor


def steps_of(preparation: Preparation) -> list[tuple[str, Step]]:
    """Return the steps by name."""
    return [(part.plugin.name, part.instance) for part in preparation.steps]


def opened(preparation: Preparation, item: Item) -> tuple[Sample, bool]:
    """Return the first picture of an item as its reader gave it, and whether there are more.

    Raises:
        ReadError: if there is none, with the reason.
    """
    first, *more = islice(replace(preparation, steps=(), block=1).afresh(item), 2)
    if isinstance(first, Failed | Skipped):
        raise ReadError(first.reason)
    return first[0], bool(more)


def prepared(preparation: Preparation, item: Item) -> tuple[Sample, list[Stage], bool]:
    """Return the first picture after the last step, what it was on the way, and if there are more.

    Raises:
        ReadError: if it cannot be read, or a step fails on it.
    """
    first, more = opened(preparation, item)
    return *walked(first, steps_of(preparation)), more


def answered(classifier: Classifier, sample: Sample) -> tuple[Prediction, Tensor]:
    """Return the model's answer, and the batch ``(1, C, H, W)`` that its network saw.

    As in a run, the answer also warns of what the file says of its picture.

    Raises:
        ReadError: if the picture is not as the model takes it, or a score is no number.
    """
    try:
        (answer,), batch = taken(classifier.network, lambda: classifier.predict([sample]))
    except ValueError as error:
        raise ReadError(str(error)) from error
    if fault := score_fault(answer):
        raise ReadError(fault)
    return replace(answer, warnings=(*answer.warnings, *warnings_from_facts(sample.facts))), batch
