"""Classify one picture and keep every stage from the file to the prediction."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from torch import Tensor

from diascope.classifier import Classifier
from diascope.contract_checks import score_fault
from diascope.contracts import Step
from diascope.errors import PluginError, ReadError, RecipeError
from diascope.explain.steps import Stage, capture_network_input
from diascope.file_warnings import warnings_from_file
from diascope.pipeline import Pipeline
from diascope.preparation import Part, Preparation, apply_step
from diascope.sample import Failed, Item, Prediction, Sample, Skipped

OVERRIDES = (
    "run.evidence=none",
    "run.engine=torch",
    "run.precision=float32",
    "run.devices=null",
)
"""Overrides for a recipe whose model is inspected, which is only possible in PyTorch."""


def inspectable_classifier(pipeline: Pipeline) -> Classifier:
    """Load the model, which has to be a backbone with a head on a single device.

    Its predictions have evidence for all labels.

    Raises:
        RecipeError: if the recipe asks for several devices.
        PluginError: if the model is not a backbone with a head.
    """
    if len(pipeline.devices) > 1:
        raise RecipeError(
            "a model can be inspected on one device only, and run.devices names several",
            where=str(pipeline.recipe.path),
            hint="Omit --set run.devices=..., or name one device with --set run.device=....",
        )
    if pipeline.devices == ("mps",):  # MPS has neither float64 nor adaptive pooling to any size
        options = replace(pipeline.recipe.run, device="cpu", devices=None)
        pipeline = replace(pipeline, recipe=replace(pipeline.recipe, run=options), predictor=None)
    predictor = pipeline.load()
    if not isinstance(predictor, Classifier):
        raise PluginError(
            f"{pipeline.model.plugin.title} cannot be inspected: it is not a backbone with a head",
            hint="Only models whose load() returns a diascope Classifier can be.",
        )
    return replace(predictor, runtime=replace(predictor.runtime, evidence="all"))


def read_first_sample(preparation: Preparation, item: Item) -> tuple[Sample, bool]:
    """Return an item's first picture before preprocessing, and whether there are more.

    Raises:
        ReadError: if there is no picture, with the reason.
    """
    first, *more = islice(replace(preparation, steps=(), block=1).prepare_all(item), 2)
    if isinstance(first, Failed | Skipped):
        raise ReadError(first.reason)
    return first[0], bool(more)


def prepare_first_sample(preparation: Preparation, item: Item) -> tuple[Sample, list[Stage], bool]:
    """Preprocess an item's first picture; return it, each stage, and whether there are more.

    Raises:
        ReadError: if it cannot be read, or if a step fails on it.
    """
    first, more = read_first_sample(preparation, item)
    return *apply_steps(first, preparation.steps), more


def apply_steps(sample: Sample, steps: Iterable[Part[Step]]) -> tuple[Sample, list[Stage]]:
    """Apply steps, and return the resulting sample and every stage.

    Raises:
        ReadError: if a step fails on this picture.
    """
    stages = [Stage("as read from the file", sample.pixels, sample.trace)]
    for step in steps:
        before = len(sample.trace)
        outcome = apply_step(step, sample)
        if isinstance(outcome, Failed):
            raise ReadError(f"the step {outcome.plugin} failed: {outcome.reason}")
        sample = outcome
        stages.append(Stage(f"after {step.plugin.name}", sample.pixels, sample.trace[before:]))
    return sample, stages


def classify_sample(classifier: Classifier, sample: Sample) -> tuple[Prediction, Tensor]:
    """Return the model's prediction, and the batch ``(1, C, H, W)`` that its network saw.

    As in a run, the prediction carries the warnings that come from the file itself.

    Raises:
        ReadError: if the picture does not fit the model, or if a score is not a number.
    """
    try:
        (answer,), batch = capture_network_input(
            classifier.network, lambda: classifier.predict([sample])
        )
    except ValueError as error:
        raise ReadError(str(error)) from error
    if fault := score_fault(answer):
        raise ReadError(fault)
    return replace(answer, warnings=(*answer.warnings, *warnings_from_file(sample))), batch
