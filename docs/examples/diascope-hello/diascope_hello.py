"""A reader, a step and a report for diascope, in one file."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from diascope import Prediction, ReadError, Sample


@dataclass(frozen=True)
class RawGray:
    """Square grey pictures: the bytes ``RAWG``, then one byte a pixel."""

    api = (1, 0)

    def sniff(self, path, head):
        return 90 if head.startswith(b"RAWG") else 0

    def read(self, item):
        with item.open() as file:
            pixels = np.frombuffer(file.read()[4:], np.uint8)
        side = int(len(pixels) ** 0.5)
        if side == 0 or side * side != len(pixels):
            raise ReadError(f"expected a square number of pixels, got {len(pixels)}")
        yield Sample(item, pixels.reshape(side, side, 1), range=(0.0, 255.0))


@dataclass(frozen=True)
class Invert:
    """Exchange black and white, such as for films that were scanned as negatives.

    Args:
        above: invert only pictures whose mean brightness, from 0 to 1, is above that.
    """

    above: float = 0.0
    api = (1, 0)

    def __call__(self, sample):
        if sample.unit().mean() <= self.above:
            return sample
        low, high = sample.range
        pixels = (low + high - sample.pixels.astype(float)).astype(sample.pixels.dtype)
        return sample.changed(pixels, "inverted")


@dataclass(frozen=True)
class Tally:
    """``tally.txt``: how often each label was predicted."""

    api = (1, 0)

    def write(self, run, records, directory):
        counts = Counter(
            label
            for record in records
            if isinstance(record, Prediction)
            for label in record.predicted
        )
        path = directory / "tally.txt"
        path.write_text("".join(f"{label} {count}\n" for label, count in sorted(counts.items())))
        return [path]
