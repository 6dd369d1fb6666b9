"""Read films with PyAV, at a given number of frames per second."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Gt

from diascope.errors import NoPictureError, ReadError
from diascope.extras import install_command
from diascope.readers.image_errors import is_heif
from diascope.sample import Item, Sample

_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi"}


@dataclass(frozen=True)
class VideoReader:
    """MP4, AVI and MOV as frames of ``(H, W, 3)`` uint8 RGB; the model aggregates their answers.

    Args:
        frames_per_second: number of frames to read per second of film, beginning with the first
            frame. If the film has fewer, all of its frames are read.
    """

    frames_per_second: Annotated[float, Gt(0)] = 1.0
    api: ClassVar = (1, 0)

    def sniff(self, path: str, head: bytes) -> int:
        is_iso = head[4:8] == b"ftyp" and not is_heif(head)
        if is_iso or (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head[4:8] == b"moov":
            return 60
        return 10 if PurePosixPath(path).suffix.lower() in _SUFFIXES else 0

    def read(self, item: Item) -> Iterator[Sample]:
        try:
            import av
        except ImportError as error:
            raise ReadError(f"films need PyAV: {install_command('video')}") from error

        with item.open() as file:
            try:
                with av.open(file) as film:
                    if not film.streams.video:
                        raise NoPictureError("the film has no pictures, only sound")
                    stream = film.streams.video[0]
                    rate = float(stream.average_rate or 0) or 25.0
                    yield from self._frames(film.decode(stream), item, rate)
            except av.FFmpegError as error:
                raise ReadError(f"the film cannot be decoded: {error.strerror}") from error

    def _frames(self, decoded: Iterator[Any], item: Item, rate: float) -> Iterator[Sample]:
        count, due = 0, 0.0
        start: float | None = None
        for number, frame in enumerate(decoded):
            seconds = number / rate if frame.time is None else float(frame.time)
            start = seconds if start is None else start
            position = (seconds - start) * self.frames_per_second
            if position < due - 1e-6:
                continue
            due = max(due + 1, position // 1)  # do not catch up after a gap in the film
            pixels, notes = _to_upright(frame)
            when = f"frame at {seconds - start:.2f} s"
            yield Sample(item, pixels, frame=count, trace=(when, *notes))
            count += 1


def _to_upright(frame: Any) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], list[str]]:
    """Return the frame's pixels, rotated by the film's display matrix, and trace lines."""
    pixels = frame.to_ndarray(format="rgb24")
    degrees = frame.rotation
    if degrees % 90 or not degrees % 360:
        return pixels, []
    turned = np.ascontiguousarray(np.rot90(pixels, degrees // 90))
    return turned, [f"rotation of {degrees} degrees applied"]
