"""``pipeline run``: its output, counts and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diascope.cli.run import _report_lines
from tests.pngs import png
from tests.runs import Ended, rows, states, write_pictures, write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of six pictures."""
    return write_pictures(tmp_path / "photos", 6)


@pytest.fixture
def broken(photos: Path) -> Path:
    """The folder, and in it two files that are no pictures whatever their names say."""
    for name in ("00bad.jpg", "01bad.jpg"):
        (photos / name).write_text("no picture")
    return photos


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of what people have on their disks."""
    folder = write_pictures(tmp_path / "hostile", 1)
    good = folder / "00.png"
    with Image.open(good) as image:
        image.resize((300, 300)).save(folder / "cut.jpg")
        image.convert("CMYK").save(folder / "cmyk.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:1500])
    deep = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40) * 40
    Image.fromarray(deep).save(folder / "deep.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("To whom it may concern")
    (folder / "notes.txt").write_text("no picture, and not called one")
    (folder / ".hidden.png").write_bytes(good.read_bytes())
    (folder / "huge.png").write_bytes(png(100_000, 100_000, 8, 2, b""))
    (folder / "sub").mkdir()
    (folder / "sub" / "ünï cödé.png").write_bytes(good.read_bytes())
    return folder


def counted(output: Path) -> dict[str, int]:
    counts: dict[str, int] = json.loads((output / "run.json").read_text())["counts"]
    return counts


def test_a_hostile_folder_ends_with_a_reason_for_each(
    command: Command, recipe: Path, hostile: Path, tmp_path: Path
) -> None:
    ended = command("run", recipe, hostile, "-o", tmp_path / "out")
    got = states(tmp_path / "out")
    assert ended.code == 1
    assert {name: state for name, (state, _) in got.items()} == {
        ".hidden.png": "skipped",
        "00.png": "ok",
        "cmyk.jpg": "ok",
        "cut.jpg": "failed",
        "deep.png": "ok",
        "empty.png": "skipped",
        "huge.png": "failed",
        "notes.txt": "skipped",
        "sub/ünï cödé.png": "ok",
        "text.jpg": "failed",
    }
    expected = {
        "cut.jpg": "truncated",
        "empty.png": "empty",
        "huge.png": "too large",
        "notes.txt": "not a picture",
        "text.jpg": "text, not a picture",
        ".hidden.png": "hidden",
    }
    assert {name for name, words in expected.items() if words in got[name][1]} == set(expected)


def test_the_counts_add_up_to_what_was_found(
    command: Command, recipe: Path, hostile: Path, tmp_path: Path
) -> None:
    ended = command("run", recipe, hostile, "-o", tmp_path / "out")
    counts = counted(tmp_path / "out")
    assert counts == {"found": 10, "ok": 4, "failed": 3, "skipped": 3, "pending": 0}
    assert "10 found: 4 ok, 3 failed, 3 skipped" in ended.out


def test_only_skipped_items_are_no_failure(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "notes.txt").write_text("mine")
    assert command("run", recipe, photos, "-o", tmp_path / "out").code == 0


def test_limit_takes_the_first_items(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    assert command("run", recipe, photos, "-o", tmp_path / "out", "--limit", 2).code == 0
    assert list(states(tmp_path / "out")) == ["00.png", "01.png"]


def test_a_run_without_the_limit_continues_one_with_it(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    command("run", recipe, photos, "-o", tmp_path / "out", "--limit", 2)
    command("run", recipe, photos, "-o", tmp_path / "out")
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 6


def test_fail_fast_stops_with_3_and_says_what_was_not_done(
    command: Command, recipe: Path, broken: Path, tmp_path: Path
) -> None:
    arguments = ["run", recipe, broken, "-o", tmp_path / "out", "--set", "run.batch=1"]
    ended = command(*arguments, "--fail-fast")
    assert ended.code == 3
    assert "1 item failed, 0 are allowed" in ended.err
    assert counted(tmp_path / "out") == {
        "found": 8, "ok": 1, "failed": 1, "skipped": 0, "pending": 6
    }  # fmt: skip
    assert command(*arguments).code == 1
    assert counted(tmp_path / "out")["pending"] == 0


def test_max_failures_allows_that_many(
    command: Command, recipe: Path, broken: Path, tmp_path: Path
) -> None:
    two = command("run", recipe, broken, "-o", tmp_path / "two", "--max-failures", 2)
    one = command("run", recipe, broken, "-o", tmp_path / "one", "--max-failures", 1)
    assert (two.code, one.code) == (1, 3)


def test_retry_does_failed_items_again(
    command: Command, recipe: Path, broken: Path, tmp_path: Path
) -> None:
    arguments = ["run", recipe, broken, "-o", tmp_path / "out"]
    command(*arguments)
    assert "nothing was left to classify" in command(*arguments).out
    assert "nothing was left to classify" not in command(*arguments, "--retry").out


@pytest.mark.parametrize("verb", ["run", "check"])
def test_without_an_argument_the_recipes_own_input_is_found_beside_it(
    command: Command,
    tiny_weights: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, input=["photos"], output="out")
    elsewhere = tmp_path / "elsewhere"
    write_pictures(elsewhere / "photos", 1)
    monkeypatch.chdir(elsewhere)
    ended = command(verb, recipe)
    assert ended.code == 0
    assert f"{len(list(photos.iterdir()))} found" in ended.out


def test_a_list_is_taken_instead_of_the_recipes_input(
    command: Command, tiny_weights: Path, photos: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, input=["nowhere"], output="out")
    (tmp_path / "list.csv").write_text("path\nphotos/03.png\n")
    ended = command("run", recipe, "--list", tmp_path / "list.csv", "-o", tmp_path / "out")
    assert ended.code == 0
    assert list(states(tmp_path / "out")) == ["photos/03.png"]
    told = json.loads((tmp_path / "out" / "run.json").read_text())
    assert told["inputs"] == [str(tmp_path / "list.csv")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{recipe}", "{photos}"], "names no output folder"),
        (["{recipe}", "-o", "{out}"], "nothing to classify"),
        (["{recipe}", "nowhere", "-o", "{out}"], "there is no 'nowhere'"),
        (["{recipe}", "{empty}", "-o", "{out}"], "hold no files"),
        (["nowhere.yaml", "{photos}", "-o", "{out}"], "no such file"),
        (["{recipe}", "{photos}", "-o", "{recipe}"], "cannot be written"),
        (["{recipe}", "{photos}", "-o", "{out}", "--set", "run.batches=2"], "'batches'"),
        (["{recipe}", "{photos}", "-o", "{out}", "--set", "run.device=quantum"], "'quantum'"),
        (["{recipe}", "{photos}", "-o", "{out}", "--workers", "many"], "'many'"),
        (["{recipe}", "{photos}", "-o", "{out}", "--limit", "0"], "--limit"),
    ],
)
def test_a_wrong_command_ends_with_2_and_one_message(
    command: Command, recipe: Path, photos: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"recipe": recipe, "photos": photos, "out": tmp_path / "out"}
    places["empty"] = tmp_path / "empty"
    ended = command("run", *(argument.format(**places) for argument in arguments))
    assert ended.code == 2
    assert told in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_quiet_prints_and_logs_nothing(
    command: Command,
    recipe: Path,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "cache"))
    choose = ["--set", "run.precision=auto"]
    ended = command("run", recipe, photos, "-o", tmp_path / "out", "--quiet", *choose)
    assert (ended.code, ended.out, ended.err, caplog.text) == (0, "", "", "")


def test_after_an_early_stop_only_new_failures_count(
    command: Command, recipe: Path, broken: Path, tmp_path: Path
) -> None:
    arguments = ["run", recipe, broken, "-o", tmp_path / "out", "--set", "run.batch=1"]
    first = command(*arguments, "--fail-fast")
    second = command(*arguments, "--max-failures", 1)
    assert (first.code, second.code) == (3, 1)


def test_a_changed_parameter_of_a_report_writes_it_again(
    command: Command, tiny_weights: Path, photos: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "page.yaml", tiny_weights, report=["html"])
    command("run", recipe, photos, "-o", tmp_path / "out")
    command("run", recipe, photos, "-o", tmp_path / "out", "--set", "report.html.file=other.html")
    assert (tmp_path / "out" / "other.html").is_file()


def test_files_of_reports_that_are_no_longer_written_are_removed(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    arguments = "run", recipe, photos, "-o", output, "--set"
    command(*arguments, "report=[csv, {parquet: {rows: 2}}]")
    assert len(list(output.glob("*.parquet"))) == 3
    command(*arguments, "report=[csv, {parquet: {rows: 4}}]")
    assert len(list(output.glob("*.parquet"))) == 2
    command(*arguments, "report=[csv]")
    assert not list(output.glob("*.parquet"))
    assert (output / "predictions.csv").exists()


def test_an_executor_is_chosen_on_the_command_line(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    arguments = "run", recipe, photos, "-o", tmp_path / "out", "--executor"
    wrong = command(*arguments, "lokal")
    assert wrong.code == 2
    assert "lokal" in wrong.err
    assert command(*arguments, "{local: {kind: threads}}").code == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["recipe"]["run"]["executor"] == {"local": {"kind": "threads"}}


def test_files_in_a_folder_are_counted_not_listed(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.csv", "maps/1.png", "maps/deep/2.png", "b.html")]
    assert list(_report_lines(files, tmp_path, strict=False)) == [
        str(tmp_path / "a.csv"),
        f"{tmp_path / 'maps'}/ (2 files)",
        str(tmp_path / "b.html"),
    ]
    assert list(_report_lines(files, tmp_path, strict=True)) == [
        "a.csv",
        "maps/ (2 files)",
        "b.html",
    ]


@pytest.mark.parametrize("named_in", ["recipe", "set"])
def test_an_executor_named_with_its_parameters_elsewhere_keeps_them(
    command: Command, tmp_path: Path, tiny_weights: Path, photos: Path, named_in: str
) -> None:
    own = {"local": {"kind": "threads", "read_ahead": 3}}
    executor = own if named_in == "recipe" else {"ray": {"address": "auto"}}
    override = [] if named_in == "recipe" else ["--set", f"run.executor.local={own['local']}"]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, run={"executor": executor})
    ended = command("run", recipe, photos, "-o", tmp_path, "--executor", "local", *override)
    assert ended.code == 0, ended.err
    assert json.loads((tmp_path / "run.json").read_text())["recipe"]["run"]["executor"] == own


def test_two_limits_on_failures_are_refused(
    command: Command, recipe: Path, photos: Path, tmp_path: Path
) -> None:
    ended = command("run", recipe, photos, "-o", tmp_path, "--fail-fast", "--max-failures", "5")
    assert (ended.code, "exclude each other" in ended.err) == (2, True)
