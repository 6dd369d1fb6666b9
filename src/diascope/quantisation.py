"""Quantise a recipe's network to int8 with pictures of the user's, and see what that changes.

Only the graph is kept, with what it changed of the answers: no picture is.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.classifier import Classifier
from diascope.engine_selection import time_engine
from diascope.engines import graph_cache
from diascope.engines.open_engines import EngineLoader
from diascope.engines.outputs import Engine
from diascope.engines.reference_pictures import draw_reference_pictures
from diascope.errors import OutputError, PluginError, UsageError, refuse_missing
from diascope.inference_trace import OVERRIDES as _LOOKING
from diascope.inference_trace import inspectable_classifier
from diascope.inputs import find_items
from diascope.network_input import to_network_input
from diascope.novelty import FeatureStatistics
from diascope.parity import Parity, combine_parities, compare_outputs
from diascope.pipeline import Pipeline
from diascope.sample import Failed, Item, Skipped

OVERRIDES = (*_LOOKING, "run.device=cpu")
"""Of a recipe whose network is quantised."""

MIN_PICTURES = 64
"""Pictures without which the ranges of a network's values are not known."""

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Attempt:
    """What it changes if the backbone computes in int8, whole or in part.

    Attributes:
        layers: how many of the last dense convolutions do, alone; None for the whole backbone.
        drawn, real: of the answers for the reference pictures, and for those that were read.
    """

    layers: int | None
    drawn: Parity
    real: Parity

    def within(self, tolerance: float) -> bool:
        """Say whether a run with that tolerance takes it."""
        return combine_parities([self.drawn, self.real]).within(tolerance)


@dataclass(frozen=True, slots=True)
class Quantised:
    """How it went.

    Attributes:
        precision: the name of the graph that is kept, such as ``int8-0123abcd``.
        pictures: how many were read; every second one decided on the ranges, all were compared.
        left_out: items that could not be used, and why.
        attempts: what was tried, with ever less in int8; the last one is kept.
        accepted: whether the recipe's tolerance allows for it.
        speed, gain: pictures a second as a multiple of those of torch and of OpenVINO in float32.
    """

    precision: str
    pictures: int
    left_out: dict[str, str]
    attempts: tuple[Attempt, ...]
    accepted: bool
    speed: float
    gain: float


def quantise(pipeline: Pipeline, named: Sequence[str], items: int) -> Quantised:
    """Quantise the network of a pipeline, composed with ``OVERRIDES``, and keep the graph.

    Args:
        named: files, folders and URIs to read, as those of a run.
        items: pictures to take, drawn by lot; of items with many frames or regions, from each
            item its share, the first ones.

    Raises:
        UsageError: if a package is missing, or there are too few pictures.
        PluginError: if the model is no backbone and head with a folder of weights, or has nothing
            to quantise.
        OutputError: if there is nowhere to keep the graph.
    """
    refuse_missing("quantising needs", ("nncf", "openvino", "onnx"), "int8")
    classifier = inspectable_classifier(pipeline)
    if pipeline.weights is None:
        raise PluginError(f"{pipeline.model.plugin.title} has no folder of weights")
    opening = EngineLoader(classifier.card, pipeline.weights, classifier.runtime)
    if not opening.folder.is_relative_to(graph_cache.cache_root()):
        told, hint = "cannot be written, so no graph can be kept", "DIASCOPE_CACHE names another."
        raise OutputError(told, where=str(graph_cache.cache_root()), hint=hint)
    pictures, left_out = _read(pipeline, named, items)
    return _kept(opening, classifier, pictures, left_out)


def _read(
    pipeline: Pipeline, named: Sequence[str], items: int
) -> tuple[NDArray[np.float32], dict[str, str]]:
    """Return pictures ``(N, H, W, C)`` as the network takes them, and what was left out."""
    entries = list(find_items(named, exclude=pipeline.recipe.output))
    left_out = {each.item.id: each.end.reason for each in entries if each.end is not None}
    whole = [each.item for each in entries if each.end is None]
    share = -(-items // max(1, len(whole)))
    lot = np.random.default_rng(0).permutation(len(whole)).tolist()
    pictures: list[NDArray[np.float32]] = []
    for place in lot:
        if len(pictures) >= items:
            break
        for picture in _pictures(pipeline, whole[place], min(share, items - len(pictures))):
            if isinstance(picture, str):
                left_out[whole[place].id] = picture
            else:
                pictures.append(picture)
    if len(pictures) < MIN_PICTURES:
        why = next((f"; others not, such as {name}: {why}" for name, why in left_out.items()), "")
        raise UsageError(
            f"quantising needs at least {MIN_PICTURES} pictures, and {len(pictures)} could be "
            f"read{why}",
            hint="Name folders with more pictures of the kind that the recipe is for.",
        )
    return np.stack(pictures), left_out


def _pictures(pipeline: Pipeline, item: Item, count: int) -> Iterator[NDArray[np.float32] | str]:
    """Yield the first pictures of an item; where one cannot be used, why, and no more."""
    card = pipeline.model.instance.card
    for block in pipeline.preparation.prepare_all(item):
        if isinstance(block, Failed | Skipped):
            yield block.reason
            return
        for sample in block:
            try:
                picture = to_network_input(sample, card.size, card.channels)
            except ValueError as error:
                yield str(error)
                return
            yield picture
            count -= 1
            if not count:
                return


class _Yardstick:
    """Compares engines with the reference on the pictures that were read and on the drawn ones."""

    def __init__(
        self,
        reference: Engine,
        card: ModelCard,
        pictures: NDArray[np.float32],
        statistics: FeatureStatistics | None,
    ) -> None:
        starts = range(0, len(pictures), _BATCH)
        self.drawn = draw_reference_pictures(card.size, card.channels)
        self._batches = [*(pictures[start : start + _BATCH] for start in starts), self.drawn]
        self._right = [reference.run(batch) for batch in self._batches]
        self._card, self._statistics = card, statistics

    def attempt(self, layers: int | None, engine: Engine) -> Attempt:
        """Say what an engine changes that computes so many layers in int8, or all."""
        *read, on_drawn = (
            compare_outputs(right, engine.run(batch), self._card, self._statistics)
            for batch, right in zip(self._batches, self._right, strict=True)
        )
        return Attempt(layers, on_drawn, combine_parities(read))

    def seconds(self, engine: Engine) -> float:
        """Return how long an engine takes for the drawn pictures."""
        return time_engine(engine, self.drawn, _BATCH)[1]


def _kept(
    opening: EngineLoader,
    classifier: Classifier,
    pictures: NDArray[np.float32],
    left_out: dict[str, str],
) -> Quantised:
    from diascope.engines.openvino import OpenVinoEngine
    from diascope.engines.quantise import quantisable, write_quantised

    graph, bias = opening.exported()
    if not (convolutions := quantisable(graph)):
        raise PluginError(f"{opening.card.name} has no layers that could be quantised")
    reference = classifier.engine
    yardstick = _Yardstick(reference, opening.card, pictures, classifier.statistics)
    seen = np.concatenate([pictures[::2], yardstick.drawn])
    attempts: list[Attempt] = []
    with tempfile.TemporaryDirectory(dir=opening.folder) as staging:
        for layers in (None, *_fewer(convolutions)):
            count = None if layers is None else len(layers)
            path = Path(staging) / f"{count}.xml"
            write_quantised(graph, layers, seen, path)
            engine = OpenVinoEngine(path, bias, "int8", Path(staging))
            attempts.append(yardstick.attempt(count, engine))
            if attempts[-1].within(opening.runtime.tolerance):
                break
        precision = opening.keep_quantised(path, asdict(attempts[-1].real))
        plain = OpenVinoEngine(graph, bias, "float32", Path(staging))
        own, torch, openvino = map(yardstick.seconds, (engine, reference, plain))
    return Quantised(
        precision=precision,
        pictures=len(pictures),
        left_out=left_out,
        attempts=tuple(attempts),
        accepted=attempts[-1].within(opening.runtime.tolerance),
        speed=torch / own,
        gain=openvino / own,
    )


def _fewer(layers: list[str]) -> Iterator[list[str]]:
    """Yield all layers, their second half, the half of that, and so on to the last one alone.

    What an early layer rounds, all that follow have to do with.
    """
    while layers:
        yield layers
        layers = layers[(len(layers) + 1) // 2 :]
