"""From a recipe and a picture to all that its page shows."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from diascope.activation_search import gallery_of, read_rows
from diascope.card import ModelCard
from diascope.display_text import as_utf8, masked
from diascope.document import nearest
from diascope.errors import ReadError, UsageError
from diascope.explain.activation_maximisation import Wanted, wanted
from diascope.explain.evidence import Method
from diascope.explain.explanation import Explanation, explain
from diascope.explain.page import Subject
from diascope.explain.steps import last_stage
from diascope.explain.targets import targets_of
from diascope.explain.top_activating import Gallery
from diascope.inference_trace import answered, classifier_of, prepared
from diascope.inputs import find_items
from diascope.pipeline import Pipeline
from diascope.recipe import Recipe
from diascope.sample import Item

_MORE = "It holds more than one picture; this page is of the first."


@dataclass(frozen=True)
class Request:
    """What the command line asks to be explained.

    Attributes:
        image: a file or URI; None for the first of the recipe's own input.
        label: to be looked at closely. If not given, the answer's; of several, the one with the
            highest score; if the network speaks for none of them, the highest score of all.
        wants: targets whose wishes are painted, as ``targets_of`` knows them.
        table: whose pictures are searched for those that excite these most.
        limit: pictures of the table that are looked at.
        seed: of the paintings, and of the lot that chooses these pictures.
        command: stands on the page.
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
class Explained:
    """All that a page shows.

    Attributes:
        wanted: what was painted.
        gallery: the pictures of a table that excite these targets most; None without a table.
    """

    subject: Subject
    explanation: Explanation
    wanted: Sequence[Wanted]
    gallery: Gallery | None


def explained(pipeline: Pipeline, request: Request) -> Explained:
    """Look at how a pipeline, composed with ``looking.OVERRIDES``, answers for one picture.

    Raises:
        ReadError: if the picture cannot be read or prepared.
        UsageError: if there is no such picture, label or target, or none is named and the recipe
            has none.
        PluginError: if the model is no backbone and head.
        TableError: if the table cannot be read.
    """
    card = pipeline.model.instance.card
    outputs = _outputs(card, request.label)
    rows = read_rows(request.table) if request.table else []
    sample, stages, more = prepared(pipeline.preparation, _item(request.image, pipeline.recipe))
    classifier = classifier_of(pipeline)
    network = classifier.network
    start = time.perf_counter()
    prediction, batch = answered(classifier, sample)
    classified = time.perf_counter()
    spoken = [name for name in prediction.predicted if name in outputs] or list(outputs)
    chosen = request.label or max(spoken, key=lambda name: prediction.scores[name])
    targets = targets_of(network, batch, outputs, request.wants)
    gallery = partial(gallery_of, classifier, pipeline.preparation, targets)
    begin = time.perf_counter()
    found = explain(
        network, batch, outputs, chosen, method=request.method, occlusion=request.occlusion
    )
    end = time.perf_counter()
    facts = {
        "model": card.name,
        "recipe": as_utf8(str(pipeline.recipe.path)),
        "image": masked(sample.item.uri),
        "pixels of the whole picture": asdict(sample.region) if sample.region else {},
        "weights (SHA-256)": card.digest,
        "table": as_utf8(str(request.table or "")),
        "command": masked(request.command),
        "seconds to classify": classified - start,
        "seconds to explain": end - begin,
    }
    notes = [_MORE] if more else []
    warnings = (*pipeline.warnings, *notes, *prediction.warnings)
    stages.append(last_stage(batch, card))
    return Explained(
        Subject(card, prediction, stages, chosen, facts, warnings),
        found,
        [wanted(network, batch, target, card, seed=request.seed) for target in targets],
        gallery(rows, limit=request.limit, seed=request.seed) if rows else None,
    )


def _item(image: str | None, recipe: Recipe) -> Item:
    """Return the only picture of that name; without a name, the first of the recipe's own."""
    if image is None:
        own = find_items(recipe.input, base=recipe.base, exclude=recipe.output)
        found = list(islice((each for each in own if not each.end), 1))
        if not found:
            raise UsageError("the recipe has no picture of its own", hint="Name one.")
    else:
        found = list(islice(find_items([image]), 2))
        if len(found) != 1:
            some = "several files" if found else "no file"
            raise UsageError(f"{masked(image)!r} is {some}", hint="Name one picture.")
    if found[0].end:
        raise ReadError(found[0].end.reason)
    return found[0].item


def _outputs(card: ModelCard, label: str | None) -> dict[str, int]:
    """Return label to the network's output; a binary network speaks only for its second label."""
    names = card.names[-card.outputs :]
    if label is not None and label not in names:
        raise UsageError(
            f"{card.name} has no evidence for the label {label!r}",
            hint=nearest(label, list(names)),
        )
    return {name: output for output, name in enumerate(names)}
