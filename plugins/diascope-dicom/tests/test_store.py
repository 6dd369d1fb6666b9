"""What the store sends, and what its table states."""

import csv
import re

import pytest
import requests

from diascope.errors import OutputError
from diascope_dicom.store import DicomwebStore
from tests.refusals import refused


@pytest.fixture
def set_outcomes(monkeypatch):
    """Return a function that sets the outcomes of successive deliveries."""

    def set_outcomes(*ends):
        left = iter(ends)

        def deliver(client, dataset):
            if isinstance(end := next(left), Exception):
                raise end
            return end

        monkeypatch.setattr("diascope_dicom.store.deliver", deliver)

    return set_outcomes


def rows(folder):
    with (folder / "dicomweb-store.csv").open(newline="", encoding="utf-8") as file:
        return [(row["kind"], row["state"], row["reason"]) for row in csv.DictReader(file)]


def test_the_table_states_what_was_refused_and_why(run, answer, tomogram, tmp_path, set_outcomes):
    set_outcomes("", "failure reason 0xa700")
    match = r"1 of 2 results were not stored; the first: sc of .*: failure reason 0xa700"
    with pytest.raises(OutputError, match=match):
        DicomwebStore("https://pacs/rs").write(run, [answer(tomogram)], tmp_path)
    assert rows(tmp_path) == [("sr", "ok", ""), ("sc", "failed", "failure reason 0xa700")]


def test_a_result_that_cannot_be_made_is_reported_after_the_others_are_stored(
    run, answer, tomogram, tmp_path, set_outcomes
):
    set_outcomes("")
    store = DicomwebStore("https://pacs/rs", send=("sr",))
    with pytest.raises(OutputError, match=r"1 of 2 results were not stored.*gone\.dcm"):
        store.write(run, [answer(tmp_path / "gone.dcm"), answer(tomogram)], tmp_path)
    assert [row[:2] for row in rows(tmp_path)] == [("sr", "failed"), ("sr", "ok")]


def test_if_the_service_is_lost_the_table_states_what_was_sent(
    run, answer, tomogram, tmp_path, set_outcomes
):
    set_outcomes("", requests.ConnectionError("gone"))
    reason = re.escape("https://pacs/rs cannot be reached (ConnectionError)")
    with pytest.raises(OutputError, match=f"{reason}\n  The same command sends again"):
        DicomwebStore("https://pacs/rs").write(run, [answer(tomogram)], tmp_path)
    assert rows(tmp_path) == [("sr", "ok", "")]


def test_the_recipe_holds_no_credentials():
    message = refused(DicomwebStore, {"url": "https://alice:s3cret@pacs/rs"})

    assert message.startswith("url: credentials do not belong in a URL")
    assert "s3cret" not in message


def test_a_second_store_has_a_table_of_its_own(run, answer, tomogram, tmp_path, set_outcomes):
    set_outcomes("", "")
    store = DicomwebStore("https://pacs/rs", file="archive.csv")
    assert store.write(run, [answer(tomogram)], tmp_path) == [tmp_path / "archive.csv"]
    with pytest.raises(ValueError, match="a plain file name"):
        DicomwebStore("https://pacs/rs", file="../archive.csv")
