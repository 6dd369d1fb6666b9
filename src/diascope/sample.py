"""What flows through a pipeline: items, samples, predictions, and what went wrong."""

from __future__ import annotations  # numpy is for the type checker: importing it takes 0.1 s

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from diascope.archives import open_filesystem, open_member
from diascope.errors import ReadError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FACTS = (
    "modality",
    "body_part",
    "view",
    "laterality",
    "image_type",
    "intent",
    "burned_in",
    "orientation",
)
r"""What a reader can tell of a picture and a recipe can ask for: the kind of device, the part of
the body, the projection, the side, such as ORIGINAL/PRIMARY, for presentation or processing,
whether text is burned into the pixels, and where in the patient rows and columns run, such as
L\F (left, feet)."""

ScoreKind = Literal["probability", "softmax", "sigmoid", "logit", "share"]

STAMP = "{0.st_size}:{0.st_mtime_ns}"
"""What tells that a local file is another one, of its status."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to classify.

    Attributes:
        id: the path relative to what the user named; unique within a run.
        uri: an absolute path, or a URI that fsspec opens (``s3://``, ``zip://``, ...).
        stamp: in reports, of the local file as it was found; another one is not opened.
    """

    id: str
    uri: str
    stamp: str = field(default="", compare=False, repr=False)

    def open(self) -> BinaryIO:
        """Open the content for reading, seekable, from the start.

        Raises:
            OSError: if it is gone or unreadable, or another file than the one of the stamp.
            ReadError: if it is no regular file, such as a pipe, which could be waited for for ever.
        """
        if "://" not in self.uri:
            status = os.stat(self.uri)  # noqa: PTH116 - no Path for each read
            if not stat.S_ISREG(status.st_mode):
                raise ReadError("it is not a regular file")
            if self.stamp and self.stamp != STAMP.format(status):
                raise OSError(errno.ESTALE, "it has changed since it was found")
            return open(self.uri, "rb")  # noqa: PTH123 - the caller closes it
        scheme, _, rest = self.uri.partition("://")
        inner, chained, outer = rest.partition("::")
        if chained:
            return open_member(f"{scheme}://::{outer}", inner)
        system, path = open_filesystem(self.uri)
        return cast("BinaryIO", system.open(path, "rb"))


@dataclass(frozen=True, slots=True)
class Region:
    """Where a Sample lies in a picture that is too large to be one Sample.

    Attributes:
        x, y: its left upper corner, in pixels of the whole picture at its finest.
        width, height: what it covers, in the same pixels; it may reach over the picture's edge.
    """

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """The whole picture that an item's regions were cut from, made small.

    Attributes:
        picture: ``(h, w, 3)`` uint8.
        mask: ``(h, w)`` bool, where there is something to classify.
        size: (height, width) of the whole picture at its finest, in pixels.
        spacing_mm: size of one of those pixels as (row, column) in millimetres, if known.
        counts: what was found and what was taken, such as ``{"tiles": 900, "used": 120}``.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    size: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """What was said of each region of an item.

    Attributes:
        boxes: ``(n, 4)`` int32: x, y, width and height of each ``Region``.
        scores: ``(n, L)`` float32, in the order of the Prediction's scores.
    """

    boxes: NDArray[np.int32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture of an Item and all that was done to it.

    Attributes:
        item: where it came from.
        pixels: ``(H, W, C)``, any real dtype; C is 1 (grey) or 3 (RGB).
        range: the values that mean black and white, such as ``(0, 255)``.
        spacing_mm: size of a pixel as (row, column) in millimetres, if known.
        frame: number of this frame within the item, from 0.
        trace: every operation that changed the meaning of a pixel, in order.
        facts: what the file says of itself, in its own words; names are of ``FACTS``.
        region: where it was cut from a larger picture; None if it is the whole picture.
        overview: of that larger picture, with frame 0 only.
    """

    item: Item
    pixels: NDArray[Any]
    range: tuple[float, float] = (0.0, 255.0)
    spacing_mm: tuple[float, float] | None = None
    frame: int = 0
    trace: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    region: Region | None = None
    overview: Overview | None = None

    def changed(self, pixels: NDArray[Any], note: str, **fields: Any) -> Sample:
        """Return a copy with new pixels and one more line in the trace."""
        return replace(self, pixels=pixels, trace=(*self.trace, note), **fields)

    def placed_as(self, read: Sample) -> Sample:
        """Return what a step gave as the same part of the same item as what was read: a new Sample
        says none of it."""
        return replace(
            self,
            item=read.item,
            frame=read.frame,
            facts=read.facts,
            region=read.region,
            overview=read.overview,
        )

    def unit(self) -> NDArray[np.float32]:
        """Return the pixels as float32 with black at 0 and white at 1."""
        low, high = self.range
        pixels = self.pixels.astype("float32")
        if (low, high) == (0.0, 1.0):
            return pixels
        unit: NDArray[np.float32] = (pixels - pixels.dtype.type(low)) / pixels.dtype.type(
            high - low
        )
        return unit

    def repainted(self, unit: NDArray[np.floating[Any]], note: str) -> Sample:
        """Return a copy with new pixels, given in [0, 1], that keeps range and type of the old."""
        low, high = self.range
        whole = self.pixels.dtype.kind in "iu"
        if whole and self.pixels.dtype.itemsize > 2:  # in float32, white would be one too much
            unit = unit.astype("float64")
        pixels = unit.clip(0, 1) * (high - low) + low
        if whole:
            pixels = pixels.round()
        return self.changed(pixels.astype(self.pixels.dtype), note)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Where in the picture the score of one label came from.

    Attributes:
        map: ``(h, w)`` float32, signed: positive cells speak for the label, negative against it.
        logit: the network's own output for the label.
        bias: the part of the logit that no cell accounts for.
    """

    label: str
    map: NDArray[np.float32]
    logit: float
    bias: float

    @property
    def residual(self) -> float:
        """How far the map's sum plus the bias lies from the logit; 0 is exact."""
        return abs(float(self.map.sum(dtype="float64")) + self.bias - self.logit)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one Item, or for one Sample on the way there.

    Attributes:
        item: what was classified.
        scores: label to score, in the order of the card.
        score_kind: what a score is; only ``probability`` is calibrated. A ``share`` is that of
            the regions or frames for which the label was decided on.
        predicted: the labels that the card's rule decided on; may be empty for multilabel.
        evidence: maps over ``preview``, empty if the recipe asked for none.
        preview: ``(h, w, 3)`` uint8, the picture as the network got it, before normalisation.
        samples: how many frames stand behind the answer.
        trace: what was done to the pixels and the scores.
        prediction_set: the labels that hold the true one with the coverage that the recipe asks
            for; None if it asks for none.
        novelty: how far the features lie from those of the training pictures, as a multiple of the
            card's limit; of several frames the largest, of regions what nine of ten lie within.
            None if the card has no limit.
        warnings: why not to trust the answer, in words.
        region, overview: those of the Sample; of an item that was read in regions, its overview.
        regions: of such an item, what was said of each region.
        attention: of one region or frame, the log of its weight among those of its item, to which
            a constant may be added; None where the model weighs all alike.
    """

    item: Item
    scores: Mapping[str, float]
    score_kind: ScoreKind
    predicted: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    preview: NDArray[np.uint8] | None = None
    samples: int = 1
    trace: tuple[str, ...] = ()
    prediction_set: tuple[str, ...] | None = None
    novelty: float | None = None
    warnings: tuple[str, ...] = ()
    region: Region | None = None
    overview: Overview | None = None
    regions: Regions | None = None
    attention: float | None = None

    @property
    def out_of_distribution(self) -> bool | None:
        """Whether the picture is unlike those of the training; None if the card has no limit."""
        return None if self.novelty is None else self.novelty > 1


@dataclass(frozen=True, slots=True)
class Failed:
    """An Item that could not be classified: at which stage, in which plugin, and why."""

    item: Item
    stage: Literal["read", "preprocess", "model", "aggregate"]
    plugin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """An Item that is not for this pipeline, such as a text file in a folder of photos."""

    item: Item
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """An item, a stamp that changes when its content does, and its end if it has one already."""

    item: Item
    stamp: str
    end: Skipped | Failed | None = None


Record = Prediction | Failed | Skipped


def state_of(record: Record) -> Literal["ok", "failed", "skipped"]:
    """Return the state that an item ended in."""
    if isinstance(record, Prediction):
        return "ok"
    return "failed" if isinstance(record, Failed) else "skipped"


def was_read(record: Record) -> bool:
    """Whether a reader had an item as a whole: not what is skipped by its first bytes, nor what
    cannot be opened, hung or killed its process, and might do so again."""
    return bool(record.plugin) if isinstance(record, Failed) else isinstance(record, Prediction)
