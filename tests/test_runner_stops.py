"""Runs that stop early or give warnings: their messages and reports."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diascope import runner
from diascope.classifier import Classifier
from diascope.cores import available_cores
from diascope.errors import DeviceError
from diascope.executors.local import LocalExecutor
from diascope.sample import Found, Item
from tests.runs import REFERENCE, Ended, rows, write_pictures, write_recipe

Command = Callable[..., Ended]


@pytest.mark.parametrize("privacy", ["none", "strict"])
def test_reports_are_written_when_a_device_fails_in_the_middle_of_a_run(
    command: Command,
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    privacy: str,
) -> None:
    carry = LocalExecutor.run

    def struck(self: LocalExecutor, work: Any, chunks: Iterable[Sequence[Item]]) -> Iterator[Any]:
        yield next(carry(self, work, chunks))
        raise DeviceError("the device of 'Doe' failed")

    monkeypatch.setattr(LocalExecutor, "run", struck)
    monkeypatch.setenv("DIASCOPE_PRIVACY_KEY", "a key of the test, long enough")
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, privacy=privacy)
    photos = write_pictures(tmp_path / "photos", 6)
    ended = command("run", recipe, photos, "-o", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "run.json").read_text())
    assert ended.code == 3
    assert "Stopped early: the device of 'Doe' failed" in ended.err
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 4
    assert told["counts"]["pending"] == 2
    assert told["stopped"].startswith("the device" if privacy == "none" else "DeviceError, its")
    assert ("Doe" in told["stopped"]) == (privacy == "none")


def test_missing_files_of_a_list_count_as_failures(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "photos", 1)
    listed = tmp_path / "list.txt"
    listed.write_text("photos/00.png\nphotos/gone.png\nphotos/lost.png\n")
    arguments = "run", recipe, "--list", listed, "-o", tmp_path / "out", "--max-failures"
    stopped = command(*arguments, 1)
    assert stopped.code == 3
    assert "2 items failed, 1 is allowed" in stopped.err
    assert "1 not processed" in stopped.out
    assert "nothing was left" not in stopped.out
    assert command(*arguments, 1).code == 1  # those two are told already


def test_a_limit_counts_a_file_that_is_found_twice_once(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos = write_pictures(tmp_path / "photos", 3)
    arguments = "run", recipe, photos / "00.png", photos, "-o", tmp_path / "out", "--limit", 2
    assert "2 found: 2 ok" in command(*arguments).out


def test_a_limit_ends_the_search_before_the_work_begins(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    find, load = runner.find_inputs, runner._Run._load_model

    def watched(*arguments: Any, **options: Any) -> Iterator[Found]:
        try:
            yield from find(*arguments, **options)
        finally:
            told.append("ended")  # and with it the threads that look up addresses

    monkeypatch.setattr(runner, "find_inputs", watched)
    monkeypatch.setattr(
        runner._Run, "_load_model", lambda *these: (told.append("load"), load(*these))
    )
    photos = write_pictures(tmp_path / "photos", 3)
    command("run", recipe, photos, "-o", tmp_path / "out", "--limit", 2)
    assert told == ["ended", "load"]


def test_answers_that_carry_a_warning_are_counted_at_the_end(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_pictures(tmp_path / "photos", 6)
    predict = Classifier.predict

    def doubting(self: Classifier, samples: Any) -> Any:
        strange = ("unlike the pictures that the model was trained on",)
        answers = predict(self, samples)
        return [replace(a, warnings=strange if a.item.id < "02" else ()) for a in answers]

    monkeypatch.setattr(Classifier, "predict", doubting)
    arguments = "run", recipe, photos, "-o", tmp_path / "out"
    told = "with a warning in this run, such as that the picture is unlike the training pictures: 2"
    assert told in command(*arguments).out
    assert "with a warning" not in command(*arguments).out  # nothing was classified


def test_a_run_that_stops_after_its_first_batch_reports_its_number_of_workers(
    command: Command, tmp_path: Path, tiny_weights: Path
) -> None:
    threads = {"workers": "auto", "executor": {"local": {"kind": "threads"}}}
    run = {"batch": 2, "device": "cpu"} | REFERENCE | threads
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, run=run)
    photos = write_pictures(tmp_path / "photos", 4)
    (photos / "00.png").write_bytes((photos / "00.png").read_bytes()[:99])
    assert command("run", recipe, photos, "-o", tmp_path / "out", "--fail-fast").code == 3
    told = json.loads((tmp_path / "out" / "run.json").read_text())["timings"]["profile"]
    assert (told["items"], told["workers"]) == (2, available_cores())


def test_a_finished_run_is_not_stopped_by_its_failures(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos = write_pictures(tmp_path / "photos", 2)
    (photos / "z.png").write_bytes(b"broken")
    arguments = "run", recipe, photos, "-o", tmp_path / "out", "--fail-fast"
    first = command(*arguments)
    told = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (first.code, command(*arguments).code) == (1, 1)
    assert "Stopped early" not in first.err
    assert (told["stopped"], told["counts"]["pending"]) == ("", 0)


def test_an_executor_failure_after_the_last_item_is_in_run_json_until_the_next_command(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry = LocalExecutor.run

    def struck(self: LocalExecutor, work: Any, chunks: Iterable[Sequence[Item]]) -> Iterator[Any]:
        yield from carry(self, work, chunks)
        raise DeviceError("the device is lost")

    monkeypatch.setattr(LocalExecutor, "run", struck)
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 2), "-o", tmp_path / "out"
    told = []
    for _ in range(2):
        command(*arguments)
        told.append(json.loads((tmp_path / "out" / "run.json").read_text())["stopped"])
    assert told == ["the device is lost", ""]


def test_the_ledger_is_kept_when_a_device_fails_within_the_first_item(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"

    def struck(*_: object) -> Iterator[Any]:
        (results / ".unfinished" / "parts.sqlite").write_bytes(b"answers")
        yield from ()
        raise DeviceError("the device is lost")

    monkeypatch.setattr(LocalExecutor, "run", struck)
    assert "the device is lost" in command("run", recipe, photos, "-o", results).err
    assert (results / "ledger.sqlite").exists()


def test_partial_results_of_an_item_that_is_gone_are_removed(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, kept = write_pictures(tmp_path / "photos", 1), tmp_path / "out" / ".unfinished"
    arguments = "run", recipe, photos, "-o", tmp_path / "out"
    command(*arguments)

    def struck(*_: object) -> Iterator[Any]:
        (kept / "parts.sqlite").write_bytes(b"pixels")
        yield from ()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LocalExecutor, "run", struck)
        write_pictures(photos, 2)
        assert command(*arguments).code == 130
    (photos / "01.png").unlink()
    assert kept.exists()
    assert command(*arguments).code == 0
    assert not kept.exists()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("raise", " failed: KeyError: 'the cluster is gone' ("),
        ("refused", " failed: Connection refused ("),
        ("exit", " failed: SystemExit: 7 ("),
        ("none", ": expected Records, got NoneType"),
        ("twice", ": expected one Record of each item that it took, got another one of '00.png'"),
        ("strange", ": expected one Record of each item that it took, got another one of '?'"),
        ("iterator", ": expected a sequence of Records, got tuple_iterator"),
    ],
)
def test_an_executor_that_breaks_its_contract_is_named_and_its_records_are_reported(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    told: str,
) -> None:
    monkeypatch.setenv("ODD_END", end)
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights)
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 4), "-o", tmp_path / "out"
    ended = command(*arguments, "--executor", "astray", "--set", "run.batch=2")
    assert ended.code == 3
    assert f"Stopped early: executor 'astray' of odd 1.0{told}" in ended.err
    assert "fault in diascope" not in ended.err
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 2


def test_items_that_an_executor_leaves_undone_are_reported_and_processed_by_the_next_run(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ODD_END", "early")
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights)
    photos = write_pictures(tmp_path / "photos", 5)
    arguments = "run", recipe, photos, "-o", tmp_path / "out", "--set", "run.batch=2"
    ended = command(*arguments, "--executor", "astray")
    again = command(*arguments)
    assert ended.code == 3
    assert "Stopped early: the executor left 3 items undone" in ended.err
    assert again.code == 0
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 5


def test_an_executor_may_take_its_chunks_in_a_thread_of_its_own(
    command: Command, odd_plugins: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights)
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 5), "-o", tmp_path / "out"
    ended = command(*arguments, "--executor", "ahead", "--set", "run.batch=2")
    assert ended.code == 0, ended.err
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 5


def test_an_executor_whose_run_is_not_a_generator_is_refused(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ODD_END", "list")
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights)
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 1), "-o", tmp_path / "out"
    ended = command(*arguments, "--executor", "astray")
    assert ended.code == 2
    assert "executor 'astray' of odd 1.0: expected run() as a generator, got list" in ended.err


def test_an_error_in_our_code_is_not_blamed_on_a_third_party_executor(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("diascope.pipeline.groupby", lambda *_, **__: {}["ours"])
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights)
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 1), "-o", tmp_path / "out"
    ended = command(*arguments, "--executor", "astray")
    assert ended.code == 3
    assert "fault in diascope" in ended.err
