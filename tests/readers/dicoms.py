"""DICOM files for tests: small ones dicom here, and those that come with pydicom."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from diascope.readers.dicom import DicomReader
from diascope.sample import Item, Sample

GREY = np.arange(24, dtype=np.uint16).reshape(4, 6) * 100
RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def dataset(pixels: Any, syntax: UID = ExplicitVRLittleEndian, **tags: Any) -> Dataset:
    """Return an object with pixels ``(H, W)``, ``(N, H, W)`` or ``(H, W, 3)``; None drops a tag."""
    dicom = Dataset()
    dicom.file_meta = FileMetaDataset()
    dicom.file_meta.TransferSyntaxUID = syntax
    dicom.SOPClassUID, dicom.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    dicom.Rows, dicom.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    dicom.SamplesPerPixel = 3 if colour else 1
    dicom.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dicom.PlanarConfiguration = 0
    elif pixels.ndim == 3:
        dicom.NumberOfFrames = len(pixels)
    dicom.BitsAllocated = dicom.BitsStored = pixels.dtype.itemsize * 8
    dicom.HighBit = dicom.BitsStored - 1
    dicom.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = "<" if syntax.is_little_endian else ">"
    dicom.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    dicom["PixelData"].VR = "OW" if dicom.BitsAllocated > 8 else "OB"
    for keyword, value in tags.items():
        if value is None:
            delattr(dicom, keyword)
        else:
            setattr(dicom, keyword, value)
    return dicom


def encoded(pixels: Any, syntax: UID = ExplicitVRLittleEndian, **tags: Any) -> bytes:
    """Return ``dataset(...)`` as the bytes of a DICOM file."""
    return written(dataset(pixels, syntax, **tags))


def written(dicom: Dataset) -> bytes:
    """Return an object as the bytes of a DICOM file."""
    buffer = io.BytesIO()
    dicom.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def without_meta(content: bytes) -> bytes:
    """Return a DICOM file without its preamble and its file meta information."""
    length = int.from_bytes(content[140:144], "little")
    return content[144 + length :]


def with_commas(pixels: Any, **tags: Any) -> bytes:
    """Return ``encoded(...)`` with a decimal comma in each number that ends in ``.75``."""
    return encoded(pixels, **tags).replace(b".75", b",75")


def read(item: Item, **parameters: Any) -> list[Sample]:
    """Return all samples of an item."""
    return list(DicomReader(**parameters).read(item))


def only(item: Item, **parameters: Any) -> Sample:
    """Return the one sample of an item."""
    (sample,) = read(item, **parameters)
    return sample


def library() -> list[Path]:
    """Return the files that come with pydicom and, where installed, with pydicom-data.

    One folder is left out: fifty files alike, all stripped of their pixels.
    """
    folders = [_folder("pydicom") / "data" / "test_files"]
    if find_spec("data_store"):
        folders.append(_folder("data_store") / "data")
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "TINY_ALPHA" not in path.parts
    )


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
