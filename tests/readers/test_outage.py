"""A disk or network that fails while a file is read is not reported as damage of the file."""

import errno
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.errors import ReadError
from diascope.readers.dicom import DicomReader
from diascope.readers.image import ImageReader
from diascope.sample import Item
from tests.readers.dicoms import encoded


class Failing(io.BytesIO):
    """Content that cannot be read beyond a position."""

    def __init__(self, content: bytes, place: int, error: OSError) -> None:
        super().__init__(content)
        self._place, self._error = place, error

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if self.tell() > self._place:
            raise self._error
        return found


@pytest.mark.parametrize("share", [0.02, 0.9])
@pytest.mark.parametrize("kind", ["jpeg", "png", "dicom"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (TimeoutError("timed out"), "TimeoutError: timed out"),
    ],
)
def test_an_unreachable_file_is_reported_as_unreachable(
    monkeypatch: pytest.MonkeyPatch, kind: str, share: float, error: OSError, reason: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)
    reader: Any = DicomReader() if kind == "dicom" else ImageReader()
    content = encoded(pixels) if kind == "dicom" else saved(pixels, kind)
    file = Failing(content, int(share * len(content)), error)
    monkeypatch.setattr(Item, "open", lambda item: file)
    with pytest.raises(ReadError) as caught:
        list(reader.read(Item("a", "/a")))
    assert caught.value.message == f"it cannot be read: {reason}"


def saved(pixels: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_seeking_before_the_start_is_reported_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Failing(saved(np.zeros((9, 9), np.uint8), "jpeg"), 300, OSError(errno.EINVAL, "Invalid"))
    monkeypatch.setattr(Item, "open", lambda item: file)
    with pytest.raises(ReadError, match="it is damaged"):
        list(ImageReader().read(Item("a", "/a")))
