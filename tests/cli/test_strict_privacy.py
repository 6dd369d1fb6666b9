"""The command line under ``privacy: strict``: withheld messages and refused commands."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import diascope.runner
from diascope.errors import DiascopeError
from diascope.executors.local import LocalExecutor
from diascope.pseudonyms import KEY_VARIABLE
from diascope.sample import Item
from tests.runs import Ended, write_pictures, write_recipe

Command = Callable[..., Ended]
SECRET = "DOE^JOHN"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key of enough characters")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = write_pictures(tmp_path / SECRET, 3)
    (folder / "bad.jpg").write_text("no picture")
    return folder


@pytest.fixture
def strict(tmp_path: Path, tiny_weights: Path) -> Path:
    return write_recipe(tmp_path / "strict.yaml", tiny_weights, privacy="strict")


def raising(error: BaseException) -> Callable[..., Any]:
    def stand_in(*_: Any, **__: Any) -> Any:
        raise error

    return stand_in


@pytest.mark.parametrize("privacy", ["none", "strict"])
def test_an_unexpected_error_shows_a_traceback_but_under_strict_no_message(
    command: Command,
    strict: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    privacy: str,
) -> None:
    monkeypatch.setattr(diascope.runner._Run, "_classify", raising(RuntimeError(f"lost {SECRET}")))

    ended = command("run", strict, photos, "-o", tmp_path / "o", "--set", f"privacy={privacy}")

    assert ended.code == 3
    assert "stand_in" in ended.err
    assert "This is a fault in diascope" in ended.err
    assert ("RuntimeError: its message is withheld" in ended.err) == (privacy == "strict")
    assert (SECRET in ended.err) == (privacy == "none")


def test_an_unexpected_error_in_a_check_shows_no_message_either(
    command: Command, strict: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diascope.preflight.find_inputs", raising(RuntimeError(f"lost {SECRET}")))

    ended = command("check", strict, photos)

    assert ended.code == 3
    assert "RuntimeError: its message is withheld" in ended.err
    assert SECRET not in ended.out + ended.err


def test_an_interrupted_run_does_not_repeat_the_command(
    command: Command,
    strict: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diascope.runner._Run, "_classify", raising(KeyboardInterrupt()))

    ended = command("run", strict, photos, "-o", tmp_path / "out")

    assert ended.code == 130
    assert "To resume, run the same command." in ended.err
    assert SECRET not in ended.err


def test_a_run_that_stops_early_does_not_repeat_the_command(
    command: Command, strict: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "00.png").write_bytes(b"broken")  # and there is more to do after it
    ended = command(
        "run", strict, photos, "-o", tmp_path / "out", "--fail-fast", "--set", "run.batch=1"
    )

    assert ended.code == 3
    assert "To resume, run the same command." in ended.err
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("privacy", ["none", "strict"])
def test_an_executor_that_stops_at_a_file_does_not_name_it(
    command: Command,
    strict: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    privacy: str,
) -> None:
    def run(self: LocalExecutor, work: Any, chunks: Iterable[Sequence[Item]]) -> Iterator[Any]:
        (first, *_) = next(iter(chunks))
        raise DiascopeError(f"{first.uri} is on this machine, but not on the node n1")
        yield

    monkeypatch.setattr(LocalExecutor, "run", run)
    ended = command("run", strict, photos, "-o", tmp_path / "o", "--set", f"privacy={privacy}")

    assert ended.code == 2
    assert "is on this machine, but not on the node n1" in ended.err
    assert (SECRET in ended.err) == (privacy == "none")


def test_a_check_calls_items_by_their_pseudonyms(
    command: Command, strict: Path, photos: Path
) -> None:
    ended = command("check", strict, photos)

    assert ended.code == 0
    assert "would fail (read)" in ended.out
    assert SECRET not in ended.out + ended.err
    assert "bad.jpg" not in ended.out


@pytest.mark.parametrize("verb", [["evaluate", "--labels", "labels.csv"], ["train"]])
def test_commands_that_name_pictures_are_refused(
    command: Command, strict: Path, tmp_path: Path, verb: list[str]
) -> None:
    ended = command(verb[0], strict, *verb[1:], "-o", tmp_path / "out")

    assert ended.code == 2
    assert f"pipeline {verb[0]} names or shows pictures" in ended.err
    assert "--set privacy=none" in ended.err
