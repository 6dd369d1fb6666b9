"""Errors as reasons."""

from diascope.errors import ReadError, reason_of


def test_what_to_do_is_a_sentence_of_its_own() -> None:
    error = ReadError("no decoder is installed", where="a.dcm", hint="Install one: pip install x.")
    assert reason_of(error) == "a.dcm: no decoder is installed. Install one: pip install x."
    assert reason_of(ReadError("it is\nempty")) == "it is empty"
