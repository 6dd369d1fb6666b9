"""The tree of errors, and errors as reasons."""

from pathlib import Path

import pytest

from diascope import errors
from diascope.errors import NoPictureError, OutputError, ReadError, UsageError, reason_of
from diascope.extras import EXTRAS, Extra, install_command, refuse_missing


def drawn(error: type[errors.DiascopeError], depth: int = 0) -> list[str]:
    ours = (each for each in error.__subclasses__() if each.__module__ == errors.__name__)
    below = (line for each in ours for line in drawn(each, depth + 1))
    return [f"{'    ' * depth}{error.__name__}", *below]


def test_the_tree_of_errors_is_drawn_at_the_top() -> None:
    assert str(errors.__doc__).splitlines()[2:] == drawn(errors.DiascopeError)


def test_a_missing_extra_is_named_by_a_command_that_works_in_any_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert install_command("train", "dicom") == 'pip install "diascope[train,dicom]"'
    monkeypatch.setitem(EXTRAS, "train", Extra(("numpy", "no_such_module"), "tests"))
    with pytest.raises(UsageError, match=r"needs packages .*: no_such_module") as caught:
        refuse_missing("training needs", "train")
    assert caught.value.hint == install_command("train")


def test_no_other_module_has_its_own_words_for_that_command() -> None:
    modules = Path(errors.__file__).parent.rglob("*.py")
    assert [path.name for path in modules if "diascope[" in path.read_text()] == ["extras.py"]


def test_the_hint_is_a_separate_sentence() -> None:
    error = ReadError("no decoder is installed", where="a.dcm", hint="Install one: pip install x.")
    assert reason_of(error) == "a.dcm: no decoder is installed. Install one: pip install x."
    assert reason_of(ReadError("it is\nempty")) == "it is empty"
    assert (
        reason_of(OutputError("no room. ", hint="Make some.")) == "OutputError: no room. Make some."
    )


def test_an_error_without_a_text_or_with_another_error_has_a_reason() -> None:
    assert reason_of(ReadError(KeyError("palette"))) == "'palette'"  # type: ignore[arg-type]
    assert reason_of(ReadError(5, hint="Why?")) == "5. Why?"  # type: ignore[arg-type]
    assert reason_of(NoPictureError("")) == "NoPictureError"


def test_the_text_of_a_plugins_file_not_found_error_is_kept() -> None:
    error = FileNotFoundError("calibration.json is missing beside the slide")
    error.__cause__ = KeyError("x")
    assert reason_of(error).startswith("FileNotFoundError: calibration.json is missing")


def test_an_os_errors_text_is_one_line_without_passwords() -> None:
    assert reason_of(OSError(5, b"torn")) == "b'torn'"
    told = "no answer of\n  https://me:secret@there/a.dcm"
    assert reason_of(OSError(5, told)) == "no answer of https://***@there/a.dcm"


def test_a_timeout_is_reported_even_if_it_causes_another_error() -> None:
    try:
        try:
            raise TimeoutError
        except TimeoutError as error:
            error.args[0]
    except IndexError as error:
        told = reason_of(error)
    assert told == (
        "IndexError: tuple index out of range (after TimeoutError: no answer came in time)"
    )
