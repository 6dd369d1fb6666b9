"""The data that flows through a pipeline: items, samples, predictions, failures."""

from __future__ import annotations  # numpy is only for the type checker: importing it takes 0.1 s

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
    "presentation_lut",
)
r"""The facts that a reader can state about a picture and that a recipe can filter by, in this
order: the kind of device, the body part, the projection, the side, the image type (such as
ORIGINAL/PRIMARY), whether it is for presentation or processing, whether text is burned into the
pixels, the patient directions of rows and columns, such as L\F (left, feet), and the photometric
interpretation with the shape of the presentation LUT, such as MONOCHROME2/IDENTITY."""

ScoreKind = Literal["probability", "softmax", "sigmoid", "logit", "share"]

STAMP = "{0.st_size}:{0.st_mtime_ns}"
"""The format of the stamp that identifies the version of a local file, from its ``os.stat``."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to classify.

    Attributes:
        id: the path relative to what the user named; unique within a run.
        uri: an absolute path, or a URI that fsspec opens (``s3://``, ``zip://``, ...).
        stamp: in reports, that of the local file when it was found; a changed file is not opened.
    """

    id: str
    uri: str
    stamp: str = field(default="", compare=False, repr=False)

    def open(self) -> BinaryIO:
        """Open the content as a seekable binary file.

        Raises:
            OSError: if the file is gone, unreadable, or has changed since it was stamped.
            ReadError: if it is not a regular file: reading a pipe, say, could block for ever.
        """
        if "://" not in self.uri:
            status = os.stat(self.uri)  # noqa: PTH116 - no Path for each read
            if not stat.S_ISREG(status.st_mode):
                raise ReadError("it is not a regular file")
            if self.stamp and self.stamp != STAMP.format(status):
                raise OSError(errno.ESTALE, "it has changed since it was found")
            return open(self.uri, "rb")  # noqa: PTH123 - no Path, as above; the caller closes it
        scheme, _, rest = self.uri.partition("://")
        inner, chained, outer = rest.partition("::")
        if chained:
            return open_member(f"{scheme}://::{outer}", inner)
        system, path = open_filesystem(self.uri)
        return cast("BinaryIO", system.open(path, "rb"))


@dataclass(frozen=True, slots=True)
class Region:
    """The position of a Sample in a picture that is too large to be one Sample.

    Attributes:
        x, y: the upper left corner, in pixels of the whole picture at full resolution.
        width, height: the size in the same pixels; it may extend beyond the picture's edge.
    """

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """A thumbnail of the whole picture that an item's regions were cut from.

    Attributes:
        picture: ``(h, w, 3)`` uint8.
        mask: ``(h, w)`` bool, True where there is something to classify.
        size: (height, width) of the whole picture at full resolution, in pixels.
        spacing_mm: the size of one of those pixels as (row, column) in millimetres, if known.
        counts: how many regions were found and used, such as ``{"tiles": 900, "used": 120}``.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    size: tuple[int, int]
    spacing_mm: tuple[float, float] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The scores of each region of an item.

    Attributes:
        boxes: ``(n, 4)`` int32: x, y, width and height of each ``Region``.
        scores: ``(n, L)`` float32, in the order of the Prediction's scores.
        attention: ``(n,)`` float32, the weights of the regions, whose sum is 1; None if the model
            weighs all equally.
    """

    boxes: NDArray[np.int32]
    scores: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture of an Item, with a record of everything that was done to it.

    Attributes:
        item: the item that it came from.
        pixels: ``(H, W, C)``, any real dtype; C is 1 (grey) or 3 (RGB).
        range: the values of black and white, such as ``(0, 255)``.
        spacing_mm: the size of a pixel as (row, column) in millimetres, if known.
        frame: the number of this frame within the item, from 0.
        trace: every operation that changed what pixels mean, in order.
        facts: what the file says about itself, verbatim, by the names in ``FACTS``, no others.
        region: its position in a larger picture; None if it is the whole picture.
        overview: the overview of that larger picture; only with frame 0.
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
        """Return a copy with the item, frame, facts, region and overview of the Sample that was
        read, as a step may have lost them by creating a new Sample."""
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
        number = pixels.dtype.type
        unit: NDArray[np.float32] = (pixels - number(low)) / number(high - low)
        return unit

    def repainted(self, unit: NDArray[np.floating[Any]], note: str) -> Sample:
        """Return a copy with new pixels, given in [0, 1] and converted to its range and dtype."""
        low, high = self.range
        whole = self.pixels.dtype.kind in "iu"
        if whole and self.pixels.dtype.itemsize > 2:  # in float32, white would round up by one
            unit = unit.astype("float64")
        pixels = unit.clip(0, 1) * (high - low) + low
        if whole:
            pixels = pixels.round()
        return self.changed(pixels.astype(self.pixels.dtype), note)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The parts of the picture that the score of one label came from.

    Attributes:
        map: ``(h, w)`` float32, signed: positive cells support the label, negative ones oppose it.
        logit: the network's output for the label.
        bias: the part of the logit that is not attributed to any cell.
    """

    label: str
    map: NDArray[np.float32]
    logit: float
    bias: float

    @property
    def residual(self) -> float:
        """The absolute difference between the map's sum plus the bias and the logit."""
        return abs(float(self.map.sum(dtype="float64")) + self.bias - self.logit)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one Item, or the intermediate answer for one Sample.

    Attributes:
        item: the item that was classified.
        scores: label to score, in the order of the card.
        score_kind: what a score means; only ``probability`` is calibrated. A ``share`` is the
            fraction of regions or frames that the label was predicted for.
        predicted: the labels that the card's rule chose; may be empty for multilabel.
        evidence: maps over ``preview``; empty if the recipe asked for none.
        preview: ``(h, w, 3)`` uint8, the picture as the network got it, before normalisation.
        samples: the number of frames that the answer is based on.
        trace: what was done to the pixels and the scores.
        prediction_set: labels that include the true one with the coverage that the recipe asks
            for; None if it asks for none.
        novelty: the distance of the features from those of the training pictures, as a multiple
            of the card's limit; of several frames or regions, the 90th percentile. None if unknown.
        warnings: reasons not to trust the answer.
        region, overview: those of the Sample; for an item that was read in regions, its overview.
        regions: the scores of each region, for an item that was read in regions.
        attention: of one region or frame, the log of its weight within its item up to an additive
            constant; None if the model weighs all equally.
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
        """Whether the picture is unlike the training pictures; None if the card has no limit."""
        return None if self.novelty is None else self.novelty > 1


@dataclass(frozen=True, slots=True)
class Failed:
    """An Item that could not be classified, with the stage, the plugin and the reason."""

    item: Item
    stage: Literal["read", "preprocess", "model", "aggregate"]
    plugin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """An Item that is not meant for this pipeline, such as a text file in a folder of photos."""

    item: Item
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """An item, a stamp that changes when its content does, and its Record if it already has one."""

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
    """Return whether a reader read the whole item, rather than skipping it by its first bytes,
    failing to open it, hanging or dying, which may happen again."""
    return bool(record.plugin) if isinstance(record, Failed) else isinstance(record, Prediction)
