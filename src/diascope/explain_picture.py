"""Explain one picture: collect everything that ``explain.html`` shows."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from diascope.activation_search import find_top_activating, read_rows
from diascope.card import ModelCard
from diascope.decision import calibrated_logits
from diascope.display_text import as_utf8, mask_credentials, suggest
from diascope.errors import ReadError, UsageError
from diascope.explain.activation_maximisation import FeatureVisualisation, visualise_target
from diascope.explain.attribution import Method
from diascope.explain.explanation import Explanation, explain
from diascope.explain.page import Subject
from diascope.explain.page_scores import Logits
from diascope.explain.steps import network_input_stage
from diascope.explain.targets import LABEL, find_targets
from diascope.explain.top_activating import TopActivating
from diascope.inference_trace import (
    classify_sample,
    inspectable_classifier,
    prepare_first_sample,
)
from diascope.inputs import find_items
from diascope.pipeline import Pipeline
from diascope.recipe import Recipe
from diascope.sample import Item

_MORE = "The file holds more than one picture; this page explains the first."


@dataclass(frozen=True)
class ExplainRequest:
    """What to explain, as given on the command line.

    Attributes:
        image: a file or URI; None for the first picture of the recipe's own input.
        label: the label to explain. By default the predicted label with the highest score, or the
            label with the highest score if the network has no output for any predicted label.
        wants: names of the targets to visualise, as ``find_targets`` understands them.
        table: a table whose pictures are searched for those that activate these targets most.
        limit: how many pictures of the table to look at.
        seed: of the visualisations and of the random choice of these pictures.
        command: the command as typed, shown on the page.
    """

    image: str | None = None
    label: str | None = None
    method: Method = "exact"
    occlusion: bool = True
    wants: Sequence[str] = ()
    table: Path | None = None
    limit: int = 300
    seed: int = 0
    command: str = ""


@dataclass(frozen=True, eq=False)
class PictureExplanation:
    """Everything that the page shows.

    Attributes:
        visualisations: of the targets.
        gallery: the pictures of the table that activate the targets most; None without a table.
    """

    subject: Subject
    explanation: Explanation
    visualisations: Sequence[FeatureVisualisation]
    gallery: TopActivating | None


def explain_item(pipeline: Pipeline, request: ExplainRequest) -> PictureExplanation:
    """Explain how a pipeline, composed with ``inference_trace.OVERRIDES``, classifies a picture.

    Raises:
        ReadError: if the picture cannot be read or preprocessed.
        UsageError: if the picture, label or target does not exist, or if no picture is named and
            the recipe has no input of its own.
        PluginError: if the model is not a backbone with a head.
        TableError: if the table cannot be read.
    """
    card = pipeline.model.instance.card
    _refuse_negative(card, request)
    outputs = _explainable_outputs(card, request.label)
    rows = read_rows(request.table) if request.table else []
    sample, stages, more = prepare_first_sample(
        pipeline.preparation, _find_item(request.image, pipeline.recipe)
    )
    classifier = inspectable_classifier(pipeline)
    network = classifier.network
    start = time.perf_counter()
    prediction, batch = classify_sample(classifier, sample)
    seconds_to_classify = time.perf_counter() - start
    explainable = [name for name in prediction.predicted if name in outputs] or list(outputs)
    chosen = request.label or max(explainable, key=lambda name: prediction.scores[name])
    targets = find_targets(network, batch, outputs, request.wants)
    start = time.perf_counter()
    explanation = explain(
        network, batch, outputs, chosen, method=request.method, occlusion=request.occlusion
    )
    seconds_to_explain = time.perf_counter() - start
    facts = {
        "model": card.name,
        "recipe": as_utf8(str(pipeline.recipe.path)),
        "image": mask_credentials(sample.item.uri),
        "region of the whole picture (pixels)": asdict(sample.region) if sample.region else {},
        "weights (SHA-256)": card.digest,
        "table": as_utf8(str(request.table or "")),
        "command": mask_credentials(request.command),
        "seconds to classify": seconds_to_classify,
        "seconds to explain": seconds_to_explain,
    }
    notes = [_MORE] if more else []
    warnings = (*pipeline.warnings, *notes, *prediction.warnings)
    stages.append(network_input_stage(batch, card))
    visualisations = [
        visualise_target(network, batch, target, card, seed=request.seed) for target in targets
    ]
    gallery = None
    if rows:
        gallery = find_top_activating(
            classifier, pipeline.preparation, targets, rows, limit=request.limit, seed=request.seed
        )
    raw = np.array([each.logit for each in prediction.evidence], np.float32)
    logits = Logits(raw, calibrated_logits(raw, card), mirrored=classifier.flips)
    subject = Subject(card, prediction, logits, stages, chosen, facts, warnings)
    return PictureExplanation(subject, explanation, visualisations, gallery)


def _find_item(image: str | None, recipe: Recipe) -> Item:
    """Return the picture of that name, or without a name the first of the recipe's input."""
    if image is None:
        own = find_items(recipe.input, base=recipe.base, exclude=recipe.output)
        found = list(islice((each for each in own if not each.end), 1))
        if not found:
            raise UsageError("the recipe has no picture of its own", hint="Name one.")
    else:
        found = list(islice(find_items([image]), 2))
        if len(found) != 1:
            matches = "several files" if found else "no file"
            raise UsageError(
                f"{mask_credentials(image)!r} matches {matches}", hint="Name one picture."
            )
    if found[0].end:
        raise ReadError(found[0].end.reason)
    return found[0].item


def _refuse_negative(card: ModelCard, request: ExplainRequest) -> None:
    """Raise a UsageError if a binary network should explain its negative label."""
    targets = [name.removeprefix(LABEL) for name in request.wants if name.startswith(LABEL)]
    if card.task == "binary" and card.names[0] in (request.label, *targets):
        negative, positive = card.names
        raise UsageError(
            f"{card.name} has no logit of {negative!r}: a binary network has one, that of the "
            f"positive label, {positive!r}",
            hint=f"Name {positive}: evidence against it is evidence for {negative}.",
        )


def _explainable_outputs(card: ModelCard, label: str | None) -> dict[str, int]:
    """Map each label to its network output."""
    names = card.output_names
    if label is not None and label not in names:
        raise UsageError(
            f"{card.name} has no evidence for the label {label!r}",
            hint=suggest(label, list(names)),
        )
    return {name: output for output, name in enumerate(names)}
