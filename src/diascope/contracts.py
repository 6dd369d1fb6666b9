"""The interface of each kind of plugin. This file is the whole extension surface.

A plugin is a plain class with a class attribute ``api = (1, 0)``, the version of this file that it
was written against. Its parameters are those of its ``__init__`` (for a dataclass, its fields). A
recipe's values are checked against their type hints before any plugin is created. Importing a
plugin's module must be cheap: import torch and other heavy libraries where they are used.
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

API = (1, 5)
"""Version of these contracts. A new major version breaks plugins; a new minor one only adds."""

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
        """Return how sure this reader is that it can open a file, from 0 (no) to 100 (certain).

        Args:
            path: the item's URI; ``head`` is the more reliable of the two.
            head: the first 4,096 bytes, or fewer if the file is shorter.
        """

    def read(self, item: Item) -> Iterator[Sample]:
        """Lazily yield one Sample for each frame, in ascending order of ``frame``.

        Raises:
            ReadError: if the file cannot be read, with a reason that its owner understands.
            NoPictureError: if the file is intact but not a picture; the item is skipped.
        """


class RegionReader(Reader, Protocol):
    """A Reader that splits pictures too large for memory into regions.

    Every Sample has a ``region``; frame 0 also has an ``overview``. An interrupted run resumes in
    the middle of an item.
    """

    def read_from(self, item: Item, start: int) -> Iterator[Sample]:
        """Yield what ``read`` yields from frame ``start`` on; nothing if there are no more."""


class Step(Protocol):
    """One preprocessing operation."""

    def __call__(self, sample: Sample) -> Sample:
        """Return a new Sample, with one more line in its trace if it changed what pixels mean.

        Item, frame, facts, region and overview remain those of the Sample that was read.
        """


class Augmentation(Protocol):
    """One random transformation of training pictures."""

    def __call__(
        self, picture: "NDArray[np.float32]", random: "np.random.RandomState"
    ) -> "NDArray[np.float32]":
        """Return the picture, changed or not. ``picture`` itself must not be modified.

        Args:
            picture: ``(C, H, W)`` in [0, 1]; the result is clipped to that range.
            random: the only source of randomness, so that a seed always gives the same picture.
        """


class Backbone(Protocol):
    """A convolutional feature extractor.

    Attributes:
        in_channels: the number of input channels, C.
        features: the number of output channels, F.
        mean, std: the normalisation that its weights expect of pixels in [0, 1], one number per
            channel.
    """

    @property
    def in_channels(self) -> int: ...
    @property
    def features(self) -> int: ...
    @property
    def mean(self) -> tuple[float, ...]: ...
    @property
    def std(self) -> tuple[float, ...]: ...

    def build(self) -> "nn.Module":
        """Return a module that maps ``(N, C, H, W)`` to ``(N, F, h, w)``.

        If the backbone has pretrained weights, they are loaded.

        Raises:
            WeightsError: if its weights are missing or do not fit.
        """


@dataclass(frozen=True)
class Runtime:
    """How to execute a model.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        evidence: the labels for which evidence maps are made.
        backbone: creates the Backbone plugin that a card names, from its name and parameters.
        coverage: the coverage of the prediction sets; None for no prediction sets.
        engine, precision: the engine that executes the network and its precision, or ``auto``.
        tolerance: how far a score may differ from that of torch in float32.
        plugins: names and versions of the plugins that the answers depend on.
        batch: the maximum number of pictures in one call of ``predict``.
        network_plugins: those of ``plugins`` that make the network, which are the model's and its
            backbone's; None for all.
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
    network_plugins: tuple[str, ...] | None = None


class Predictor(Protocol):
    """A loaded model."""

    def predict(self, samples: Sequence[Sample]) -> Sequence[Prediction]:
        """Return one Prediction for each Sample, in order.

        Each has the region and the overview of its Sample, and a trace that begins with the
        Sample's. A call gets at most ``run.batch`` samples, which may belong to several items. If
        it raises, the batch is halved and retried until the bad sample is isolated.
        """

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        """Combine the predictions of an item's frames, at least one, into one for the item."""


class Model(Protocol):
    """The description of a set of weights, and how to load them."""

    @property
    def card(self) -> ModelCard:
        """The description of the weights, read without importing torch."""

    def load(self, runtime: Runtime) -> Predictor:
        """Load the network and its weights.

        Raises:
            WeightsError: if the weights are missing, damaged or do not fit.
        """


class Report(Protocol):
    """Writes files about a whole run."""

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write files and return their paths; none if the run has nothing to report.

        Args:
            run: the content of ``run.json``.
            records: one Record per item, in the order in which the items were found. They are
                read lazily and can be iterated more than once.
            directory: an existing, empty folder to write to. Its files are moved into place once
                ``write`` returns, so that a killed run leaves no incomplete report.

        Raises:
            OutputError: if the files are complete but could not be delivered elsewhere, or report
                something that could not. They are moved into place all the same.
        """


@dataclass(frozen=True)
class Resumed:
    """An item whose first regions were already classified by an earlier run.

    Attributes:
        count: the number of those regions; the Samples that follow continue after them.
    """

    count: int


Prepared = Sequence[Sample] | Failed | Skipped | Resumed
"""What reading and preprocessing yield: some frames of an item, or its final Record."""


class Work(Protocol):
    """The work of an Executor. It can be pickled and sent to other processes."""

    @property
    def batch(self) -> int:
        """The number of samples in one batch of the network."""

    @property
    def workers(self) -> int | Literal["auto"]:
        """The number of processes that prepare items on one machine; 0 for none."""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Read and preprocess one item. Never raises because of the item or a plugin."""

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        """Classify what ``prepare`` yielded, and yield one Record per item, in order."""


class Executor(Protocol):
    """Distributes the work over one or more machines."""

    def run(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        """Yield the Records of each chunk; only whole chunks, in any order.

        A chunk goes through ``work.finish`` in one call, with its items in order, so that the same
        chunk always gives bit-identical results. Closing the generator stops the work.
        """
