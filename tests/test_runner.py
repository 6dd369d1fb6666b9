"""A run from start to end, and the state that a killed run leaves behind."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from diascope import runner
from diascope.output import lock_folder
from tests.runs import (
    Ended,
    contents,
    done_in,
    rows,
    start,
    states,
    strike,
    write_pictures,
    write_recipe,
)

Command = Callable[..., Ended]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of six pictures."""
    return write_pictures(tmp_path / "photos", 6)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """The output folder of runs, which does not exist yet."""
    return tmp_path / "results"


def summary(results: Path) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((results / "run.json").read_text())
    return loaded


def test_a_run_answers_for_every_picture(
    command: Command, recipe: Path, photos: Path, results: Path
) -> None:
    assert command("run", recipe, photos, "-o", results).code == 0
    table = rows(results / "predictions.csv")
    assert [row["item"] for row in table] == [f"{number:02}.png" for number in range(6)]
    for row in table:
        scores = {name: float(row[f"score.{name}"]) for name in ("red", "green", "blue")}
        assert sum(scores.values()) == pytest.approx(1, abs=1e-6)
        assert row["predicted"] == max(scores, key=lambda name: scores[name])


def test_run_json_says_what_was_run_with_what(
    command: Command, recipe: Path, photos: Path, results: Path
) -> None:
    command("run", recipe, photos, "-o", results)
    run = summary(results)
    assert {"recipe", "digest", "counts", "weights", "card", "versions", "host"} <= run.keys()
    assert {"command", "started", "finished", "timings", "inputs", "warnings"} <= run.keys()
    assert run["counts"] == {"found": 6, "ok": 6, "failed": 0, "skipped": 0, "pending": 0}
    assert run["inputs"] == [str(photos)]
    assert run["weights"]["digest"] == run["card"]["digest"]  # type: ignore[index]
    assert {"diascope", "torch", "python"} <= run["versions"].keys()  # type: ignore[attr-defined]


def test_a_profile_reports_the_time_of_every_stage(
    command: Command, recipe: Path, photos: Path, results: Path
) -> None:
    ended = command("run", recipe, photos, "-o", results, "--profile", "--set", "run.batch=2")
    told = ended.out[ended.out.index("Where the time went: 6 items") :]
    stages = ("find", "load", "read", "preprocess", "model", "answer", "digest", "ledger", "report")
    assert [stage for stage in stages if f"\n  {stage} " not in told] == []
    assert "The bound is" in told
    again = command("run", recipe, photos, "-o", results, "--profile")
    assert "Where the time went" not in again.out


def test_the_same_command_again_processes_and_writes_nothing(
    command: Command, recipe: Path, photos: Path, results: Path
) -> None:
    (photos / "bad.jpg").write_text("no picture")
    first = command("run", recipe, photos, "-o", results)
    files = [results / name for name in ("predictions.csv", "failures.csv", "run.json")]
    before = [path.stat().st_mtime_ns for path in files]
    second = command("run", recipe, photos, "-o", results)
    assert [path.stat().st_mtime_ns for path in files] == before
    assert second.code == first.code == 1
    assert "nothing was left to classify" in second.out


def test_a_new_picture_is_the_only_one_that_is_run(
    command: Command, recipe: Path, photos: Path, results: Path
) -> None:
    command("run", recipe, photos, "-o", results)
    (photos / "00a.png").write_bytes((photos / "00.png").read_bytes())
    for path in photos.glob("0[1-5].png"):  # whoever reads these again finds no picture
        stamp = path.stat().st_mtime_ns
        path.write_bytes(bytes(path.stat().st_size))
        os.utime(path, ns=(stamp, stamp))
    assert command("run", recipe, photos, "-o", results).code == 0
    assert [row["item"] for row in rows(results / "predictions.csv")][:2] == ["00.png", "00a.png"]


def test_a_killed_run_resumes_and_gives_the_same_bytes_as_an_undisturbed_one(
    command: Command, odd_plugins: Path, tmp_path: Path, tiny_weights: Path, results: Path
) -> None:
    photos = write_pictures(tmp_path / "many", 23)
    recipe = write_recipe(tmp_path / "slow.yaml", tiny_weights, read="slow", report=["csv", "json"])
    process = start(odd_plugins, "run", recipe, photos, "-o", results, ODD_SECONDS="0.05")
    assert strike(process, signal.SIGKILL, lambda: done_in(results) > 0).code == -signal.SIGKILL
    assert 0 < done_in(results) < 23
    assert not (results / "predictions.csv").exists()

    assert command("run", recipe, photos, "-o", results).code == 0
    assert command("run", recipe, photos, "-o", tmp_path / "undisturbed").code == 0
    names = ("predictions.csv", "failures.csv", "predictions.jsonl", "evidence.npz")
    assert contents(results, names) == contents(tmp_path / "undisturbed", names)


def test_an_interrupted_run_ends_with_130_and_the_command_that_resumes(
    odd_plugins: Path, tmp_path: Path, tiny_weights: Path, results: Path
) -> None:
    photos = write_pictures(tmp_path / "many", 80)
    recipe = write_recipe(tmp_path / "slow.yaml", tiny_weights, read="slow")
    arguments = ["run", recipe, photos, "-o", results, "--workers", "1"]
    process = start(odd_plugins, *arguments, ODD_SECONDS="0.1")
    ended = strike(process, signal.SIGINT, lambda: done_in(results) > 0)
    assert ended.code == 130
    assert f"pipeline run {recipe} {photos} -o {results}" in ended.err
    assert "Traceback" not in ended.err


def test_a_second_run_in_the_same_folder_is_refused(
    command: Command, recipe: Path, photos: Path, results: Path
) -> None:
    with lock_folder(results):
        ended = command("run", recipe, photos, "-o", results)
    assert ended.code == 2
    assert "another run is writing here" in ended.err
    assert command("run", recipe, photos, "-o", results).code == 0


def test_a_report_that_raises_is_named_and_does_not_stop_the_others(
    command: Command, odd_plugins: Path, tmp_path: Path, tiny_weights: Path, photos: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, report=["raising", "csv"])
    ended = command("run", recipe, photos, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "report 'raising' of odd 1.0" in ended.err
    assert re.search(r"RuntimeError: out of ink \(odd\w*\.py:\d+\)", ended.err)
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 6


def test_a_report_that_could_not_be_written_is_written_by_the_same_command(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, report=["raising", "csv"])
    assert command("run", recipe, photos, "-o", tmp_path / "out").code == 1
    assert command("run", recipe, photos, "-o", tmp_path / "out").code == 1
    monkeypatch.setenv("ODD_MENDED", "1")
    assert command("run", recipe, photos, "-o", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "raising.txt").read_text() == "well"


def test_outdated_shards_are_removed_even_after_a_report_failed(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    photos: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = ["raising", {"parquet": {"rows": 2}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, report=report)
    with monkeypatch.context() as patch:
        patch.setenv("ODD_MENDED", "1")
        assert command("run", recipe, photos, "-o", results).code == 0
    for number in range(3):
        (photos / f"0{number}.png").unlink()
    assert command("run", recipe, photos, "-o", results).code == 1
    monkeypatch.setenv("ODD_MENDED", "1")
    assert command("run", recipe, photos, "-o", results).code == 0
    shards = sorted(path.name for path in results.glob("*.parquet"))
    assert shards == ["predictions-00000.parquet", "predictions-00001.parquet"]


def test_a_run_killed_while_writing_a_report_leaves_no_partial_report(
    command: Command,
    odd_plugins: Path,
    tmp_path: Path,
    tiny_weights: Path,
    photos: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, report=["csv", "dying"])
    process = start(odd_plugins, "run", recipe, photos, "-o", results)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (results / "half.txt").exists()
    assert len(rows(results / "predictions.csv")) == 6

    monkeypatch.setenv("ODD_MENDED", "1")
    assert command("run", recipe, photos, "-o", results).code == 0
    assert (results / "half.txt").read_text() == "half of it"
    assert not list(results.glob(".part-*"))


def test_another_card_for_the_same_weights_processes_all_items_again(
    command: Command, recipe: Path, photos: Path, results: Path, tiny_weights: Path
) -> None:
    command("run", recipe, photos, "-o", results)
    card = tiny_weights / "card.yaml"
    card.write_text(card.read_text().replace("name: tiny", "name: other"))
    ended = command("run", recipe, photos, "-o", results)
    assert "nothing was left to classify" not in ended.out
    assert states(results)["00.png"] == ("ok", "")


def test_reports_missing_after_a_kill_are_written_by_the_next_run(
    command: Command,
    recipe: Path,
    photos: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command("run", recipe, photos, "-o", results)
    write_pictures(photos, 9)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner, "write_reports", killed)
        assert command("run", recipe, photos, "-o", results).code == 130
    assert len(rows(results / "predictions.csv")) == 6
    assert command("run", recipe, photos, "-o", results).code == 0
    assert len(rows(results / "predictions.csv")) == 9


def test_a_missing_file_of_a_list_is_in_the_reports(
    command: Command, recipe: Path, photos: Path, results: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(
        "".join(f"photos/{name}\n" for name in (f"{number:02}.png" for number in range(6)))
    )
    command("run", recipe, "--list", listed, "-o", results)
    (photos / "02.png").unlink()
    ended = command("run", recipe, "--list", listed, "-o", results)
    assert "6 found: 5 ok, 1 failed" in ended.out
    assert states(results)["photos/02.png"][0] == "failed"
    assert len(rows(results / "predictions.csv")) == 5


def test_a_retry_with_a_failure_limit_reaches_its_end(
    command: Command, recipe: Path, results: Path, tmp_path: Path
) -> None:
    folder = write_pictures(tmp_path / "photos", 1)
    (folder / "00.png").rename(folder / "z.png")
    for number in range(5):
        (folder / f"{number}.png").write_bytes(b"broken")
    arguments = "run", recipe, folder, "-o", results, "--set", "run.batch=2"
    assert command(*arguments).code == 1
    retried = *arguments, "--retry", "--max-failures", 3
    codes = [command(*retried).code for _ in range(2)]
    assert codes == [3, 1]
    assert summary(results)["counts"] == {
        "found": 6,
        "ok": 1,
        "failed": 5,
        "skipped": 0,
        "pending": 0,
    }


def test_names_on_the_command_line_that_are_not_utf8_are_escaped(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/o\xff"))
    assert command("run", recipe, photos, "-o", odd).code == 0
    photos.rename(odd / "photos")
    ended = command("run", recipe, odd / "photos", "-o", tmp_path / "out")
    assert ended.code == 1  # their pictures fail, with a reason
    assert summary(tmp_path / "out")["inputs"] == [f"{tmp_path}/o\\xff/photos"]
