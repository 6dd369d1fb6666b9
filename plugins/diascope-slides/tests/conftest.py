"""Small slides in memory and as files of several kinds, and real ones if available."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage

from diascope.sample import Item
from diascope_slides.slide import pyramid_levels

SLIDES = Path(__file__).parents[4] / "shared/data/slides"
Pixels = NDArray[np.uint8]


class ArraySlide:
    """A ``Slide`` in memory; ``reads`` records the requested regions."""

    library = "memory"
    notes: tuple[str, ...] = ()

    def __init__(self, levels: Sequence[Pixels], spacing_um: tuple[float, float] | None) -> None:
        self._levels = levels
        self.levels = pyramid_levels([level.shape[:2] for level in levels])
        self.spacing_um = spacing_um
        self.facts = {"modality": "SM"}
        self.reads: list[tuple[int, int, int, int, int]] = []

    def region(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        cut = self._levels[level][y : y + height, x : x + width]
        assert min(x, y) >= 0, "a region lies in its level"
        assert cut.shape[:2] == (height, width), "a region lies in its level"
        self.reads.append((level, x, y, width, height))
        return cut

    def close(self) -> None:
        pass


def reduced(pixels: Pixels, factors: Sequence[int]) -> list[Pixels]:
    """Return the levels of a pyramid; each pixel is the mean of a block."""
    return [np.asarray(Image.fromarray(pixels).reduce(factor)) for factor in factors]


@pytest.fixture
def array_slide() -> Callable[..., ArraySlide]:
    """Return a function that makes a slide in memory from pixels."""

    def make(
        pixels: Pixels,
        factors: Sequence[int] = (1,),
        spacing_um: tuple[float, float] | None = (0.5, 0.5),
    ) -> ArraySlide:
        return ArraySlide(reduced(pixels, factors), spacing_um)

    return make


@pytest.fixture
def make_slide(tmp_path: Path) -> Callable[..., Item]:
    """Return a function that writes a tiled TIFF and returns its Item.

    With ``ome`` it is an OME-TIFF with SubIFDs, else the levels are pages.
    """

    def make(
        pixels: Pixels,
        name: str = "slide.tif",
        *,
        factors: Sequence[int] = (1, 2, 4),
        spacing_um: float | None = 0.5,
        ome: bool = False,
    ) -> Item:
        path = tmp_path / name
        options: dict[str, Any] = {
            "tile": (64, 64),
            "compression": "deflate",
            "photometric": "rgb",
        }
        if spacing_um is not None:
            per_cm = 1e4 / spacing_um
            options |= {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER"}
        metadata = {"axes": "YXS", "PhysicalSizeX": spacing_um, "PhysicalSizeY": spacing_um}
        first, *smaller = reduced(pixels, factors)
        with tifffile.TiffWriter(path, ome=ome) as file:
            inner = len(smaller) if ome else None
            file.write(first, subifds=inner, metadata=metadata if ome else None, **options)
            for level in smaller:
                file.write(level, subfiletype=1, metadata=None, **options)
        return Item(name, str(path))

    return make


@pytest.fixture
def make_scn(tmp_path: Path) -> Callable[..., Item]:
    """Return a function that writes a Leica SCN and returns its Item: OpenSlide sees a canvas in
    which only what was scanned, at ``place`` of (x, y), is not empty.
    """

    def make(pixels: Pixels, *, canvas: tuple[int, int], place: tuple[int, int]) -> Item:
        path = tmp_path / "slide.scn"
        levels = reduced(pixels, (1, 4))
        with tifffile.TiffWriter(path, bigtiff=True) as file:
            for number, level in enumerate(levels):
                file.write(
                    level,
                    description=None if number else _scn(levels, canvas, place),
                    tile=(64, 64),
                    compression="deflate",
                    photometric="rgb",
                    resolution=(20_000, 20_000),
                    resolutionunit="CENTIMETER",
                    metadata=None,
                )
        return Item(path.name, str(path))

    return make


def _scn(levels: Sequence[Pixels], canvas: tuple[int, int], place: tuple[int, int]) -> str:
    """Return the XML description of an SCN; lengths are in nanometres, 500 per pixel."""
    sizes = [(level.shape[1], level.shape[0]) for level in levels]
    pages = "".join(
        f'<dimension sizeX="{width}" sizeY="{height}" ifd="{number}"/>'
        for number, (width, height) in enumerate(sizes)
    )
    (width, height), (x, y) = sizes[0], place
    return (
        '<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
        f'<collection sizeX="{500 * canvas[0]}" sizeY="{500 * canvas[1]}"><image>'
        f'<pixels sizeX="{width}" sizeY="{height}">{pages}</pixels>'
        f'<view sizeX="{500 * width}" sizeY="{500 * height}"'
        f' offsetX="{500 * x}" offsetY="{500 * y}"/>'
        "<scanSettings><objectiveSettings><objective>20</objective></objectiveSettings>"
        "<illuminationSettings><illuminationSource>brightfield</illuminationSource>"
        "</illuminationSettings></scanSettings></image></collection></scn>"
    )


@pytest.fixture
def make_dicom(tmp_path: Path) -> Callable[..., Item]:
    """Return a function that writes a slide of 2 x 2 tiles of 64 x 64 pixels, with other
    values in its header.
    """

    def make(name: str = "slide.dcm", tiles: int = 2, **values: Any) -> Item:
        header = Dataset()
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.SOPClassUID = VLWholeSlideMicroscopyImageStorage
        header.SOPInstanceUID = f"1.2.3.{tiles}"
        header.StudyInstanceUID, header.SeriesInstanceUID = "1", "2"
        header.FrameOfReferenceUID = "3"
        header.Modality, header.ImageType = "SM", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        header.Rows = header.Columns = 64
        header.TotalPixelMatrixRows = header.TotalPixelMatrixColumns = 64 * tiles
        header.NumberOfFrames, header.DimensionOrganizationType = tiles**2, "TILED_FULL"
        header.SamplesPerPixel, header.PhotometricInterpretation = 3, "RGB"
        header.PlanarConfiguration = header.PixelRepresentation = 0
        header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
        header.ImagedVolumeWidth = header.ImagedVolumeHeight = header.ImagedVolumeDepth = 1.0
        measures, shared = Dataset(), Dataset()
        measures.PixelSpacing = [0.001 / tiles] * 2
        measures.SliceThickness = 0.001
        shared.PixelMeasuresSequence = [measures]
        header.SharedFunctionalGroupsSequence = [shared]
        random = np.random.default_rng(0)
        header.PixelData = random.integers(0, 256, (tiles**2, 64, 64, 3), np.uint8).tobytes()
        header["PixelData"].VR = "OB"
        for keyword, value in values.items():
            setattr(header, keyword, value)
        header.save_as(tmp_path / name, enforce_file_format=True)
        return Item(name, str(tmp_path / name))

    return make


@pytest.fixture
def real_slide() -> Callable[[str], Item]:
    """Return a function from the name of a real slide to its Item; skips if it is missing."""

    def find(name: str) -> Item:
        if not (SLIDES / name).exists():
            pytest.skip("needs ../shared/data")
        return Item(name, str(SLIDES / name))

    return find


@pytest.fixture
def coded() -> Callable[[int, int], Pixels]:
    """Return a function from a size to pixels in cells of 16 x 16, each with a unique colour."""

    def make(height: int, width: int) -> Pixels:
        rows, columns = np.mgrid[0:height, 0:width] // 16
        checks = 90 + 100 * ((rows + columns) % 2)
        return np.stack([40 + 3 * columns, 40 + 3 * rows, checks], axis=2).astype(np.uint8)

    return make
