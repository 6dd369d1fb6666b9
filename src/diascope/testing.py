"""Checks that plugin authors call in their own tests.

Each function checks one plugin against its contract and raises an ``AssertionError`` that says what
was expected and what was found. They need no test framework.
"""

import copy
import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from diascope import contracts
from diascope.card import ModelCard
from diascope.contract_checks import backbone_fault
from diascope.errors import NoPictureError, PluginError, ReadError
from diascope.expectations import (
    ContractError,
    expect,
    expect_answer,
    expect_answers,
    expect_picklable,
    expect_same,
    expect_sample,
)
from diascope.parameters import require_valid_defaults
from diascope.plugin_methods import method_fault
from diascope.sample import (
    Failed,
    Item,
    Overview,
    Prediction,
    Record,
    Region,
    Sample,
    Skipped,
)

P = ParamSpec("P")
T = TypeVar("T")
_KNOWN = Sample(
    Item("x", "x"),
    np.zeros((1, 1, 1), np.uint8),
    spacing_mm=(0.5, 0.25),
    frame=3,
    trace=("read for a check",),
    facts={"modality": "XC", "burned_in": "YES"},
    region=Region(64, 32, 60, 60),
    overview=Overview(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool), (1, 1)),
)


def _named(check: Callable[P, T]) -> Callable[P, T]:
    """Let the errors of a check begin with its name."""

    @functools.wraps(check)
    def named(*arguments: P.args, **keywords: P.kwargs) -> T:
        try:
            return check(*arguments, **keywords)
        except ContractError as violation:
            message = f"{check.__name__}: {violation}"
            raise AssertionError(message) from violation.__cause__

    return named


@_named
def check_plugin(plugin: Any) -> None:
    """Check what every kind of plugin needs: a valid ``api``, type hints, and that it pickles."""
    api = getattr(plugin, "api", None)
    pair = isinstance(api, tuple) and len(api) == 2 and all(isinstance(n, int) for n in api)
    expect(pair, "a class attribute api = (1, 0)", api)
    expect(plugin.api[0] == contracts.API[0], f"api of major {contracts.API[0]}", api)
    try:
        require_valid_defaults(type(plugin))
    except PluginError as error:
        raise ContractError(str(error)) from error
    expect_picklable(plugin, "a plugin")


def _check_kind(plugin: Any, kind: str) -> None:
    check_plugin(plugin)
    fault = method_fault(kind, type(plugin)) or (kind == "backbone" and backbone_fault(plugin))
    if fault:
        raise ContractError(fault)


@_named
def check_reader(plugin: Any, good: Path | str, bad: Path | str) -> list[Sample]:
    """Check a reader with an intact and a damaged file; return the samples of the intact one.

    Args:
        good: a file that the reader can read.
        bad: a file that the reader recognises but cannot read; it must raise a ReadError.
    """
    good, bad = Path(good), Path(bad)
    _check_kind(plugin, "reader")
    certainty = plugin.sniff(str(good), good.read_bytes()[:4096])
    in_range = isinstance(certainty, int) and 0 < certainty <= 100
    expect(in_range, "sniff of its own file from 1 to 100", certainty)
    foreign = plugin.sniff("notes", b"only words, no picture")
    expect(foreign == 0, "sniff of plain text to be 0", foreign)
    item = Item(good.name, str(good))
    stream = plugin.read(item)
    expect(isinstance(stream, Iterator), "read to return an iterator, lazily", stream)
    samples = list(stream)
    expect(len(samples) > 0, "at least one sample", samples)
    for sample in samples:
        expect_sample(sample)
        expect(sample.item == item, f"samples of {item}", sample.item)
    expect_picklable(samples, "samples")
    frames = [sample.frame for sample in samples]
    expect(frames == sorted(set(frames)), "frames that ascend", frames)
    if hasattr(plugin, "read_from"):
        missing = [sample.frame for sample in samples if sample.region is None]
        expect(not missing, "a region of every sample", f"none of the frames {missing}")
        expect(samples[0].overview is not None, "an overview with the first sample", None)
        for start in (1, len(samples)):
            expect_same(list(plugin.read_from(item, start)), samples[start:])
    try:
        list(plugin.read(Item(bad.name, str(bad))))
    except NoPictureError as error:
        raise ContractError(f"expected a ReadError that fails the item, got {error!r}") from error
    except ReadError as error:
        expect(bool(str(error).strip()), "a reason in the ReadError", str(error))
    else:
        raise ContractError("expected a ReadError for the damaged file, it was read")
    return samples


@_named
def check_step(plugin: Any) -> None:
    """Check a step with colour, grey, 16-bit and float samples of several sizes.

    The last one has nothing but an item and pixels. The step must keep the sample's item, frame,
    facts, region and overview, as ``sample.changed(pixels, note)`` does.
    """
    _check_kind(plugin, "preprocessing")
    random = np.random.default_rng(0)
    for shape in ((40, 60, 3), (60, 40, 1), (7, 5, 3)):
        for dtype, white in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1)):
            pixels = (random.random(shape) * white).astype(dtype)
            before = replace(_KNOWN, pixels=pixels.copy(), range=(0.0, float(white)))
            after = plugin(before)
            expect_sample(after)
            expect(np.array_equal(before.pixels, pixels), "its input left unchanged", "changed")
            for name in ("item", "frame", "facts", "region", "overview"):
                kept, got = getattr(before, name), getattr(after, name)
                expect(got == kept, f"the {name} of its input, {kept}", got)
            expect(after.spacing_mm is not None, "a spacing, as its input has one", None)
            kept = after.trace[: len(before.trace)] == before.trace
            expect(kept, "the trace so far kept in front", after.trace)
            same = after.pixels.shape == shape and np.array_equal(after.pixels, pixels)
            expect(same or len(after.trace) > len(before.trace), "a line in the trace", after.trace)
            again = plugin(copy.copy(before))
            repeated = np.array_equal(after.pixels, again.pixels)
            expect(repeated, "the same result twice", "a different one")
    bare = random.integers(0, 256, (40, 60, 3), np.uint8)
    expect_sample(plugin(Sample(_KNOWN.item, bare)))


@_named
def check_augmentation(plugin: Any) -> None:
    """Check an augmentation on one picture with several random states."""
    _check_kind(plugin, "augmentation")
    picture = np.random.default_rng(0).random((3, 40, 60), np.float32)
    before = picture.copy()
    for seed in range(5):
        first, again = (plugin(picture, np.random.RandomState(seed)) for _ in range(2))
        got = getattr(first, "shape", first)
        expect(np.shape(first) == before.shape, f"a picture of {before.shape}", got)
        expect(np.isfinite(first).all(), "finite values", first)
        expect(np.array_equal(picture, before), "its input left unchanged", "changed")
        expect(np.array_equal(first, again), "the same picture for a seed", "a different one")


@_named
def check_backbone(plugin: Any, size: int = 64) -> None:
    """Build a backbone and check its features of two pictures of ``size`` x ``size``."""
    import torch
    from torch import nn

    _check_kind(plugin, "backbone")
    module = plugin.build()
    expect(isinstance(module, nn.Module), "build to return a torch module", module)
    with torch.inference_mode():
        features = module.eval()(torch.zeros(2, plugin.in_channels, size, size))
    is_valid = isinstance(features, torch.Tensor) and features.ndim == 4
    expect(is_valid, "features (N, F, h, w)", getattr(features, "shape", features))
    expect(features.shape[:2] == (2, plugin.features), f"F = {plugin.features}", features.shape)


@_named
def check_model(plugin: Any, samples: list[Sample], runtime: contracts.Runtime) -> None:
    """Load a model and check its predictions, first of one sample and then of all of them.

    Args:
        samples: samples that the model accepts.
    """
    _check_kind(plugin, "model")
    samples = [replace(each, trace=(*each.trace, "read for a check")) for each in samples]
    card = getattr(plugin, "card", None)
    expect(isinstance(card, ModelCard), "a ModelCard as its card", card)
    expect(not (wrong := plugin.card.contradiction()), "a consistent card", wrong)
    predictor = plugin.load(runtime)
    is_valid = all(hasattr(predictor, name) for name in ("predict", "aggregate"))
    expect(is_valid, "load to return a Predictor, with predict and aggregate", predictor)
    expect_answers(predictor, samples[:1], plugin.card)
    predictions = expect_answers(predictor, samples, plugin.card)
    answer = predictor.aggregate(samples[0].item, iter(predictions))
    expect_answer(answer, plugin.card)
    expect(answer.item == samples[0].item, "an answer for the item", answer.item)
    expect_picklable(plugin, "a loaded model")


@_named
def check_report(plugin: Any, run: Mapping[str, Any], prediction: Prediction) -> list[Path]:
    """Check a report with a prediction, a failed and a skipped item; return its files' paths.

    Args:
        run: the content of a ``run.json``.
    """
    _check_kind(plugin, "report")
    item = Item("folder/<b>&\"'.jpg", "/nowhere")
    records: list[Record] = [
        prediction,
        Failed(item, "read", "image", "the file is truncated"),
        Skipped(item, "hidden"),
    ]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        written, again = (_write_report(plugin, run, records, Path(each)) for each in (one, two))
    expect(again == written, f"the same files twice, {written}", again)
    return written


@dataclass(frozen=True)
class _Records:
    """Records as a run passes them to a report: they have no length and no index."""

    records: Sequence[Record]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)


def _write_report(
    plugin: Any, run: Mapping[str, Any], records: Sequence[Record], folder: Path
) -> list[Path]:
    """Let a report write into an empty folder; return the relative paths of its files."""
    paths = plugin.write(run, _Records(records), folder)
    is_valid = isinstance(paths, Iterable) and not isinstance(paths, str)
    written = [folder / path for path in paths] if is_valid else []
    expect(len(written) > 0, "the paths of what was written", paths)
    for path in written:
        expect(path.exists(), f"{path} to exist", "nothing")
        expect(path.is_relative_to(folder), f"{path} to be in its directory", path)
    return [path.relative_to(folder) for path in written]
