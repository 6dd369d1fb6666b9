"""What the header of a DICOM slide says goes with its tiles, and what it names is in quotes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, VLWholeSlideMicroscopyImageStorage

from diascope.gate import Gate
from diascope.plugins import Plugin
from diascope.preparation import Part, Preparation
from diascope.privacy import WITHHELD, says_burned_in, unquoted
from diascope.sample import Failed, Item, Skipped
from diascope_slides.reader import SlideReader

Make = Callable[..., Item]
SIDE, TILES = 64, 2
ANY = Gate()
READER = SlideReader(tile=SIDE, tissue=0)


@pytest.fixture
def make_dicom(tmp_path: Path) -> Make:
    """Return a function that writes a slide of 2 x 2 tiles with other values in its header."""

    def make(name: str = "slide.dcm", tiles: int = TILES, **values: Any) -> Item:
        made = Dataset()
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.SOPClassUID = VLWholeSlideMicroscopyImageStorage
        made.SOPInstanceUID = f"1.2.3.{tiles}"
        made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID = "1", "2", "3"
        made.Modality, made.ImageType = "SM", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        made.Rows = made.Columns = SIDE
        made.TotalPixelMatrixRows = made.TotalPixelMatrixColumns = SIDE * tiles
        made.NumberOfFrames, made.DimensionOrganizationType = tiles**2, "TILED_FULL"
        made.SamplesPerPixel, made.PhotometricInterpretation = 3, "RGB"
        made.PlanarConfiguration = made.PixelRepresentation = 0
        made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
        made.ImagedVolumeWidth = made.ImagedVolumeHeight = made.ImagedVolumeDepth = 1.0
        measures, shared = Dataset(), Dataset()
        measures.PixelSpacing = [0.0005 * TILES / tiles] * 2
        measures.SliceThickness = 0.001
        shared.PixelMeasuresSequence = [measures]
        made.SharedFunctionalGroupsSequence = [shared]
        random = np.random.default_rng(0)
        made.PixelData = random.integers(0, 256, (tiles**2, SIDE, SIDE, 3), np.uint8).tobytes()
        made["PixelData"].VR = "OB"
        for keyword, value in values.items():
            setattr(made, keyword, value)
        made.save_as(tmp_path / name, enforce_file_format=True)
        return Item(name, str(tmp_path / name))

    return make


def prepared(item: Item, gate: Gate = ANY) -> Any:
    reader = Part(Plugin("reader", "slide", "diascope-slides", "1", ""), READER)
    return next(Preparation((reader,), (), 1, gate).prepare(item))


def test_every_tile_carries_what_the_header_says(make_dicom: Make) -> None:
    samples = list(READER.read(make_dicom(BurnedInAnnotation="YES")))

    assert len(samples) == TILES**2
    assert all(says_burned_in(sample.facts) for sample in samples)
    assert {sample.facts["image_type"] for sample in samples} == {"ORIGINAL/PRIMARY"}


@pytest.mark.parametrize(
    ("modality", "outcome"),
    [("SM", None), ("GM", "modality is GM; the recipe is for SM")],
)
def test_a_recipe_can_ask_for_slides_by_their_modality(
    make_dicom: Make, modality: str, outcome: str | None
) -> None:
    gate = Gate({"modality": ("SM",)}, missing="skip")
    first = prepared(make_dicom(Modality=modality), gate)

    assert (first.reason if isinstance(first, Skipped) else None) == outcome


def test_the_slide_that_a_part_belongs_to_stands_in_quotes(make_dicom: Make) -> None:
    make_dicom("DOE-JANE.dcm")
    part = make_dicom("part.dcm", tiles=1)
    outcome = prepared(part)

    assert isinstance(outcome, Skipped)
    assert outcome.reason == "a part of the slide 'DOE-JANE.dcm', and read with it"
    assert unquoted(outcome.reason, part) == "a part of the slide '...', and read with it"


def test_the_words_of_a_library_follow_the_kind_of_its_error(make_dicom: Make) -> None:
    item = make_dicom(ImagedVolumeWidth=None)
    outcome = prepared(item)

    assert isinstance(outcome, Failed)
    told, words = "it cannot be opened, it is truncated or damaged: RuntimeError", WITHHELD
    assert outcome.reason.startswith(f"{told}: ")
    assert unquoted(outcome.reason, item) == f"{told}, its words {words}"
