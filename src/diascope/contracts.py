"""What a plugin of each kind must offer. The whole extension surface is this file.

A plugin is a plain class with a class attribute ``api = (1, 0)``: the version of this file that it
was written against. Its parameters are the parameters of its ``__init__`` (for a dataclass, its
fields); a recipe's values are checked against their type hints before anything is built. Importing
a plugin's module must be cheap: import torch and other heavy libraries where they are used.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from diascope.card import ModelCard
from diascope.sample import Failed, Item, Prediction, Record, Sample, Skipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

API = (1, 4)
"""Version of these contracts. Another major breaks plugins; a higher minor adds to them."""

KINDS = (
    "reader",
    "preprocessing",
    "augmentation",
    "backbone",
    "model",
    "report",
    "executor",
    "recipe",
)
"""The kinds of plugins; the entry-point group of ``reader`` is ``diascope.readers``."""


class Reader(Protocol):
    """Opens an Item and yields its Samples."""

    def sniff(self, path: str, head: bytes) -> int:
        """Say how surely this reader can open a file, from 0 (no) to 100 (certainly).

        Args:
            path: the item's URI; trust ``head`` more.
            head: the first 4,096 bytes, or fewer if the file is shorter.
        """

    def read(self, item: Item) -> Iterator[Sample]:
        """Yield one Sample for each frame, lazily.

        Raises:
            ReadError: with a reason that the owner of the file understands.
            NoPictureError: if the item is sound but no picture; it is skipped.
        """


class RegionReader(Reader, Protocol):
    """A Reader that cuts pictures too large for memory into regions.

    Every Sample has a ``region``, that of frame 0 an ``overview`` too. An interrupted run goes on
    within the item.
    """

    def read_from(self, item: Item, start: int) -> Iterator[Sample]:
        """Yield what ``read`` yields, from the frame ``start`` on; nothing if there are no more."""


class Step(Protocol):
    """One preprocessing operation."""

    def __call__(self, sample: Sample) -> Sample:
        """Return a new Sample; if the meaning of a pixel changed, with a line in its trace.

        Item, frame, facts, region and overview stay those of the Sample that was read.
        """


class Augmentation(Protocol):
    """One random change of training pictures."""

    def __call__(
        self, picture: "NDArray[np.float32]", random: "np.random.RandomState"
    ) -> "NDArray[np.float32]":
        """Return the picture, changed or not; ``picture`` itself stays as it is.

        Args:
            picture: ``(C, H, W)`` in [0, 1]; what leaves that range is clipped afterwards.
            random: where all chance comes from, so that the same seed gives the same picture.
        """


class Backbone(Protocol):
    """A convolutional feature extractor.

    Attributes:
        in_channels: C of its input.
        features: F of its output.
        mean, std: normalisation that its weights expect, one number a channel, of pixels in [0, 1].
    """

    in_channels: int
    features: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def build(self) -> "nn.Module":
        """Return a module from ``(N, C, H, W)`` to ``(N, F, h, w)``, weights loaded if it has any.

        Raises:
            WeightsError: if its weights are missing or do not fit.
        """


@dataclass(frozen=True)
class Runtime:
    """How a model is to be executed.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        evidence: for which labels the maps are made.
        backbone: finds the Backbone plugin that a card names, by name and parameters.
        coverage: of the prediction sets; None for none.
        engine, precision: what executes the network, or ``auto``.
        tolerance: by how much it may move a score, against torch in float32.
        plugins: names and versions of those that the answers depend on.
        batch: pictures that ``predict`` gets at once, at most.
    """

    device: str
    evidence: Literal["none", "predicted", "all"]
    backbone: Callable[[str, Mapping[str, Any]], Backbone]
    coverage: float | None = None
    engine: str = "torch"
    precision: str = "float32"
    tolerance: float = 0.01
    plugins: tuple[str, ...] = ()
    batch: int = 32


class Predictor(Protocol):
    """A loaded model."""

    def predict(self, samples: Sequence[Sample]) -> Sequence[Prediction]:
        """Return one Prediction for each Sample, in order.

        Each has the region and the overview of its Sample, and a trace that begins with the
        Sample's. Called with at most ``run.batch`` samples of any items. If it raises, it is
        called again with fewer, until the one bad sample is alone.
        """

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        """Turn the predictions of an item's frames, at least one, into the item's answer."""


class Model(Protocol):
    """What is known of a set of weights, and how to load them."""

    @property
    def card(self) -> ModelCard:
        """All that is true of the weights, read without importing torch."""

    def load(self, runtime: Runtime) -> Predictor:
        """Load network and weights.

        Raises:
            WeightsError: if the weights are missing, damaged or do not fit.
        """


class Report(Protocol):
    """Writes an artefact of a whole run."""

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write files and return their paths; none if the run has nothing for this report.

        Args:
            run: the content of ``run.json``.
            records: every item's end in the order in which the items were found; read lazily,
                can be iterated more than once.
            directory: where to write; exists and is empty. All files in it are put in place once
                ``write`` returns, so a killed run leaves nothing half-written.

        Raises:
            OutputError: if the files are whole but could not go where else they should, or tell of
                what could not; they are put in place all the same.
        """


@dataclass(frozen=True)
class Resumed:
    """An item whose first regions were answered before; the next follow.

    Attributes:
        count: how many were.
    """

    count: int


Prepared = Sequence[Sample] | Failed | Skipped | Resumed
"""What reading and preprocessing give: some frames of an item, or its end."""


class Work(Protocol):
    """What an Executor carries out; picklable, so that it can travel to other processes."""

    @property
    def batch(self) -> int:
        """Samples given to the network at once."""

    @property
    def workers(self) -> int | Literal["auto"]:
        """Processes that prepare items on one machine; 0 for none."""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Read and preprocess one item; never raises for a fault of the item or of a plugin."""

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        """Classify what ``prepare`` gave, and yield one Record an item, in order."""


class Executor(Protocol):
    """Maps the work over one machine or many."""

    def run(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        """Yield the Records of each chunk, whole chunks only, in any order.

        A chunk goes through ``work.finish`` in one call and in the order of its items: the same
        chunk then gives the same bits wherever and whenever it is run. Closing the generator
        stops the work.
        """
