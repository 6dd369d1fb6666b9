"""Check that a run over many pictures that is killed loses none and changes no answer.

    python benchmarks/lost.py [--items 1000000] [--kills 3]

Writes folders of 1,000 small pictures: hard links to 1,000 of 64 x 64, and in each folder a damaged
one, an empty one and a hidden one. ``pipeline run`` classifies them with a convnet of two layers,
evidence, CSV and HTML report. It is killed with all its processes (SIGKILL) the given number of
times, at evenly spaced numbers of answers, and resumed each time by the same command. At the end
every file must appear exactly once in ``predictions.csv`` or ``failures.csv``, in its expected
state, with the same scores as in an uninterrupted run of the first folder alone; otherwise the exit
code is 1.
"""

import argparse
import csv
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from growth import draw_pictures, write_recipe

FOLDER = 1000
DAMAGED, EMPTY, HIDDEN = "000007.jpg", "000008.jpg", ".000009.jpg"
STATES = {DAMAGED: "failed", EMPTY: "skipped", HIDDEN: "skipped"}
LOOK_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        recipe = write_recipe(work, "auto", "processes")
        folders = options.items // FOLDER
        pictures = draw(work, folders)
        alone = work / "alone"
        start_run(recipe, pictures / "0000", alone).wait()
        output = work / "output"
        begun = time.monotonic()
        for kill in range(1, options.kills + 1):
            run = start_run(recipe, pictures, output)
            answered = kill_after(run, output, options.items * kill // (options.kills + 1))
            print(f"killed after {format_minutes(begun)} with {answered:,} answers", flush=True)
        code = start_run(recipe, pictures, output).wait()
        print(f"ended after {format_minutes(begun)} with exit code {code}\n")
        compare(output, alone, folders)


def draw(work: Path, folders: int) -> Path:
    draw_pictures(work / "first", FOLDER)
    (work / "first" / DAMAGED).write_bytes(b"\xff\xd8\xff no picture")
    (work / "first" / EMPTY).write_bytes(b"")
    (work / "first" / "000009.jpg").rename(work / "first" / HIDDEN)
    files = list((work / "first").iterdir())
    for number in range(folders):
        folder = work / "pictures" / f"{number:04d}"
        folder.mkdir(parents=True)
        for file in files:
            os.link(file, folder / file.name)
    return work / "pictures"


def start_run(recipe: Path, pictures: Path, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "diascope", "run", recipe, pictures, "--output", output, "-q"]
    return subprocess.Popen(list(map(str, command)), start_new_session=True)


def kill_after(run: subprocess.Popen[bytes], output: Path, answers: int) -> int:
    """Kill a run once its ledger holds enough answers; return how many it holds."""
    while (found := count_answers(output)) < answers:
        if run.poll() is not None:
            sys.exit(f"the run ended by itself, with exit code {run.returncode}")
        time.sleep(LOOK_S)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return found


def count_answers(output: Path) -> int:
    ledger = output / "ledger.sqlite"
    if not ledger.is_file():
        return 0
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as base:
        count: int = base.execute("select count(*) from items where state = 'ok'").fetchone()[0]
    return count


def compare(output: Path, alone: Path, folders: int) -> None:
    scores = {row["item"]: answer_cells(row) for row in read_rows(alone / "predictions.csv")}
    seen, wrong, states = Counter[str](), 0, Counter[str]()
    for row in read_rows(output / "predictions.csv"):
        seen[row["item"]] += 1
        states["ok"] += 1
        wrong += scores.get(Path(row["item"]).name) != answer_cells(row)
    for row in read_rows(output / "failures.csv"):
        seen[row["item"]] += 1
        states[row["state"]] += 1
        wrong += STATES.get(Path(row["item"]).name) != row["state"]
    names = [*scores, *STATES]
    lost = sum(f"{number:04d}/{name}" not in seen for number in range(folders) for name in names)
    twice = sum(count > 1 for count in seen.values())
    print("| files | ok | failed | skipped | lost | twice | another end |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    ends = (states[state] for state in ("ok", "failed", "skipped"))
    figures = (folders * len(names), *ends, lost, twice, wrong)
    print(f"| {' | '.join(f'{figure:,}' for figure in figures)} |")
    if lost or twice or wrong:
        sys.exit(1)


def read_rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def answer_cells(row: dict[str, str]) -> list[str]:
    return [row[key] for key in sorted(row) if key == "predicted" or key.startswith("score.")]


def format_minutes(since: float) -> str:
    return f"{(time.monotonic() - since) / 60:.1f} minutes"


if __name__ == "__main__":
    main()
