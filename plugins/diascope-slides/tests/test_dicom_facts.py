"""Tiles carry the facts of the header of a DICOM slide, and names in messages are quoted."""

from collections.abc import Callable
from typing import Any

import pytest

from diascope.acceptance import AcceptanceRule
from diascope.plugins import Plugin
from diascope.preparation import Part, Preparation
from diascope.privacy import WITHHELD, has_burned_in_text, redact_text
from diascope.sample import Failed, Item, Skipped
from diascope_slides.reader import SlideReader

Make = Callable[..., Item]
ANY = AcceptanceRule()
READER = SlideReader(tile=64, tissue=0)


def prepared(item: Item, gate: AcceptanceRule = ANY) -> Any:
    reader = Part(Plugin("reader", "slide", "diascope-slides", "1", ""), READER)
    return next(Preparation((reader,), (), 1, gate).prepare(item))


def test_every_tile_carries_the_facts_of_the_header(make_dicom: Make) -> None:
    samples = list(READER.read(make_dicom(BurnedInAnnotation="YES")))

    assert len(samples) == 4
    assert all(has_burned_in_text(sample.facts) for sample in samples)
    assert {sample.facts["image_type"] for sample in samples} == {"ORIGINAL/PRIMARY"}


@pytest.mark.parametrize(
    ("modality", "outcome"),
    [("SM", None), ("GM", "modality is GM; the recipe is for SM")],
)
def test_a_recipe_can_accept_slides_by_their_modality(
    make_dicom: Make, modality: str, outcome: str | None
) -> None:
    gate = AcceptanceRule({"modality": ("SM",)}, missing="skip")
    first = prepared(make_dicom(Modality=modality), gate)

    assert (first.reason if isinstance(first, Skipped) else None) == outcome


def test_the_slide_that_a_part_belongs_to_is_quoted(make_dicom: Make) -> None:
    make_dicom("DOE-JANE.dcm")
    part = make_dicom("part.dcm", tiles=1)
    outcome = prepared(part)

    assert isinstance(outcome, Skipped)
    assert outcome.reason == "a part of the slide 'DOE-JANE.dcm', and read with it"
    assert redact_text(outcome.reason, part) == "a part of the slide '...', and read with it"


def test_the_message_of_a_library_follows_the_kind_of_its_error(make_dicom: Make) -> None:
    item = make_dicom(ImagedVolumeWidth=None)
    outcome = prepared(item)

    assert isinstance(outcome, Failed)
    reason, words = "it cannot be opened, it is truncated or damaged: RuntimeError", WITHHELD
    assert outcome.reason.startswith(f"{reason}: ")
    assert redact_text(outcome.reason, item) == f"{reason}, its words {words}"
