"""File names of slides and labels."""

import re
from pathlib import PureWindowsPath

import pytest

from diascope_slides.reports.names import safe_name


def test_a_plain_name_stays_unchanged() -> None:
    assert safe_name("lung_aca-2.svs") == "lung_aca-2.svs"


@pytest.mark.parametrize(
    "name", ["a/b.svs", "../up", "A.svs", "", ".", "x" * 300, "caf\udce9", "a b", "x.", "皮/膚"]
)
def test_any_other_name_becomes_valid_on_every_file_system(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*-[0-9a-f]{8}", safe_name(name))
    assert len(safe_name(name)) < 100


@pytest.mark.parametrize("name", ["con", "NUL", "aux.svs", "com1.tar.gz", "lpt9", ".prn"])
def test_the_name_of_a_device_of_windows_becomes_the_name_of_a_file(name: str) -> None:
    assert not PureWindowsPath(f"{safe_name(name)}.geojson").is_reserved()


def test_names_are_unique_even_if_case_is_ignored() -> None:
    names = ["a/b", "a-b", "a b", "a\\b", "A-b", "a-B", safe_name("a/b")]

    assert len({safe_name(name).casefold() for name in names}) == len(names)
