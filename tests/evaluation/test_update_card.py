"""Measurements are written into the card atomically, and only for its own weights."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from diascope.card import CARD_FILE, WEIGHTS_FILE, read_card, write_card
from diascope.errors import OutputError, UsageError, WeightsError
from diascope.evaluation.update_card import updatable_folder, update_card

FOUND = {"evidence": {"inside": {"cases": 3, "figures": {}}, "hiding": {}, "randomised": {}}}


def test_the_card_of_an_installed_package_is_left_alone(tiny_weights: Path, tmp_path: Path) -> None:
    installed = shutil.copytree(tiny_weights, tmp_path / "site-packages" / "acme" / "weights")
    with pytest.raises(UsageError, match="belongs to an installed package"):
        updatable_folder(installed, read_card(installed))
    assert updatable_folder(tiny_weights, read_card(tiny_weights)) == tiny_weights


def test_measurements_replace_the_cards_own_and_nothing_else(tiny_weights: Path) -> None:
    before = read_card(tiny_weights)
    update_card(tiny_weights, before, {"evidence": {"old": 1}})
    update_card(tiny_weights, before, FOUND)
    after = read_card(tiny_weights)

    assert after.evidence == FOUND["evidence"]
    assert replace(after, evidence={}) == before
    assert sorted(path.name for path in tiny_weights.iterdir()) == [CARD_FILE, WEIGHTS_FILE]


def test_other_weights_than_the_cards_are_refused_before_anything_is_run(
    tiny_weights: Path,
) -> None:
    card = read_card(tiny_weights)
    (tiny_weights / WEIGHTS_FILE).write_bytes(b"others")

    with pytest.raises(WeightsError, match="SHA-256 differ"):
        updatable_folder(tiny_weights, card)


def test_a_card_that_has_changed_is_not_updated(tiny_weights: Path) -> None:
    card = read_card(tiny_weights)
    write_card(replace(card, digest="12" * 32), tiny_weights)
    text = (tiny_weights / CARD_FILE).read_text()

    with pytest.raises(WeightsError, match="no longer describes the weights"):
        update_card(tiny_weights, card, FOUND)
    assert (tiny_weights / CARD_FILE).read_text() == text


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_run(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere

    with pytest.raises(OutputError, match="not writable"):
        updatable_folder(tiny_weights, read_card(tiny_weights))


def test_a_model_without_a_folder_of_weights_is_refused(tiny_weights: Path) -> None:
    with pytest.raises(UsageError, match="no folder of weights"):
        updatable_folder(None, read_card(tiny_weights))
