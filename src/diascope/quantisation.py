"""Quantise a recipe's network to int8 with the user's pictures, and measure what that changes.

Only the graph and the measured changes are stored, no pictures.
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
from diascope.errors import OutputError, PluginError, UsageError
from diascope.extras import refuse_missing
from diascope.inference_trace import OVERRIDES as _INSPECTION_OVERRIDES
from diascope.inference_trace import inspectable_classifier
from diascope.inputs import find_items
from diascope.network_input import to_network_input
from diascope.novelty import FeatureStatistics
from diascope.parity import Parity, combine_parities, compare_outputs
from diascope.pipeline import Pipeline
from diascope.sample import Failed, Item, Skipped

OVERRIDES = (*_INSPECTION_OVERRIDES, "run.device=cpu")
"""The overrides for a recipe whose network is to be quantised."""

_MIN_PICTURES = 64
"""With fewer pictures the ranges of a network's values are not reliable."""

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Attempt:
    """The changes caused by computing the backbone, or a part of it, in int8.

    Attributes:
        layers: only this number of the last dense convolutions is in int8; None for all layers of
            the backbone.
        drawn, real: the changes for the reference pictures and for the user's pictures.
    """

    layers: int | None
    drawn: Parity
    real: Parity

    def within(self, tolerance: float) -> bool:
        """Return whether a run with that tolerance would use it."""
        return combine_parities([self.drawn, self.real]).within(tolerance)


@dataclass(frozen=True, slots=True)
class Quantised:
    """The result of ``quantise``.

    Attributes:
        precision: the name of the stored graph, such as ``int8-0123abcd``.
        pictures: the number of pictures read; every second one was used for the ranges, all for the
            comparison.
        left_out: items that could not be used, with the reasons.
        attempts: what was tried, with ever fewer layers in int8; the last one is stored.
        accepted: whether it is within the recipe's tolerance.
        speed, gain: the speed as a multiple of torch's and of OpenVINO's in float32.
    """

    precision: str
    pictures: int
    left_out: dict[str, str]
    attempts: tuple[Attempt, ...]
    accepted: bool
    speed: float
    gain: float


def quantise(pipeline: Pipeline, named: Sequence[str], items: int) -> Quantised:
    """Quantise the network of a pipeline that was composed with ``OVERRIDES``, and store the graph.

    Args:
        named: files, folders and URIs to read, as in a run.
        items: the number of pictures to use, from randomly drawn items. Of items with many frames
            or regions, each contributes an equal number, the first ones.

    Raises:
        UsageError: if a package is missing, or there are too few pictures.
        PluginError: if the model is not a backbone and a head in a weights folder, or has nothing
            to quantise.
        OutputError: if the graph cannot be stored.
    """
    refuse_missing("quantising needs", "int8")
    classifier = inspectable_classifier(pipeline)
    if pipeline.weights is None:
        raise PluginError(f"{pipeline.model.plugin.title} has no weights folder")
    loader = EngineLoader(classifier.card, pipeline.weights, classifier.runtime)
    if not loader.quantised_folder.is_relative_to(graph_cache.cache_root()):
        message = "cannot be written, so the graph cannot be stored"
        hint = "Set DIASCOPE_CACHE to another folder."
        raise OutputError(message, where=str(graph_cache.cache_root()), hint=hint)
    pictures, left_out = _read_pictures(pipeline, named, items)
    return _quantise(loader, classifier, pictures, left_out)


def _read_pictures(
    pipeline: Pipeline, named: Sequence[str], items: int
) -> tuple[NDArray[np.float32], dict[str, str]]:
    """Return pictures ``(N, H, W, C)`` as network input, and the items that were left out."""
    entries = list(find_items(named, exclude=pipeline.recipe.output))
    left_out = {each.item.id: each.end.reason for each in entries if each.end is not None}
    readable = [each.item for each in entries if each.end is None]
    share = -(-items // max(1, len(readable)))
    order = np.random.default_rng(0).permutation(len(readable)).tolist()
    pictures: list[NDArray[np.float32]] = []
    for index in order:
        if len(pictures) >= items:
            break
        for picture in _item_pictures(pipeline, readable[index], min(share, items - len(pictures))):
            if isinstance(picture, str):
                left_out[readable[index].id] = picture
            else:
                pictures.append(picture)
    if len(pictures) < _MIN_PICTURES:
        why = next((f"; others not, such as {name}: {why}" for name, why in left_out.items()), "")
        raise UsageError(
            f"quantising needs at least {_MIN_PICTURES} pictures, and {len(pictures)} could be "
            f"read{why}",
            hint="Name folders with more pictures of the kind that the recipe is for.",
        )
    return np.stack(pictures), left_out


def _item_pictures(
    pipeline: Pipeline, item: Item, count: int
) -> Iterator[NDArray[np.float32] | str]:
    """Yield the first pictures of an item, up to one that cannot be used; then yield the reason."""
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


class _Comparison:
    """Compares engines with the reference on the user's pictures and the reference pictures."""

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
        """Return what an engine with that number of layers in int8, or all, changes."""
        *read, on_drawn = (
            compare_outputs(right, engine.run(batch), self._card, self._statistics)
            for batch, right in zip(self._batches, self._right, strict=True)
        )
        return Attempt(layers, on_drawn, combine_parities(read))

    def seconds(self, engine: Engine) -> float:
        """Return how long an engine takes for the reference pictures."""
        return time_engine(engine, self.drawn, _BATCH)[1]


def _quantise(
    loader: EngineLoader,
    classifier: Classifier,
    pictures: NDArray[np.float32],
    left_out: dict[str, str],
) -> Quantised:
    from diascope.engines.openvino import OpenVinoEngine
    from diascope.engines.quantise import quantisable, write_quantised

    graph, bias = loader.exported()
    if not (convolutions := quantisable(graph)):
        raise PluginError(f"{loader.card.name} has no layers that could be quantised")
    reference = classifier.engine
    comparison = _Comparison(reference, loader.card, pictures, classifier.statistics)
    seen = np.concatenate([pictures[::2], comparison.drawn])
    attempts: list[Attempt] = []
    with tempfile.TemporaryDirectory(
        dir=loader.quantised_folder,
        ignore_cleanup_errors=True,  # Windows keeps files that an engine has open
    ) as staging:
        for layers in (None, *_ever_fewer(convolutions)):
            count = None if layers is None else len(layers)
            path = Path(staging) / f"{count}.xml"
            write_quantised(graph, layers, seen, path)
            engine = OpenVinoEngine(path, bias, "int8", Path(staging))
            attempts.append(comparison.attempt(count, engine))
            if attempts[-1].within(loader.runtime.tolerance):
                break
        precision = loader.keep_quantised(path, asdict(attempts[-1].real))
        plain = OpenVinoEngine(graph, bias, "float32", Path(staging))
        own, torch, openvino = map(comparison.seconds, (engine, reference, plain))
    return Quantised(
        precision=precision,
        pictures=len(pictures),
        left_out=left_out,
        attempts=tuple(attempts),
        accepted=attempts[-1].within(loader.runtime.tolerance),
        speed=torch / own,
        gain=openvino / own,
    )


def _ever_fewer(layers: list[str]) -> Iterator[list[str]]:
    """Yield all layers, then their second half, the second half of that, down to the last layer.

    Rounding in an early layer affects all layers after it.
    """
    while layers:
        yield layers
        layers = layers[(len(layers) + 1) // 2 :]
