"""Time from the start of the command to the first prediction, and to the end, for one picture.

    python benchmarks/start.py [RECIPE] [PICTURE] [--rounds 7]

The first run, which may select an engine and export the network, is not counted. A prediction
counts once another process can read it in the ledger. Prints medians and extremes in seconds.
"""

import argparse
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from machine import EXAMPLE, describe_machine

PAUSE_S = 0.002


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="derm.yaml")
    parser.add_argument("picture", nargs="?", default=EXAMPLE)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    _, *counted = (time_run(options.recipe, options.picture) for _ in range(options.rounds + 1))
    print(f"{options.recipe}, {describe_machine()}\n")
    print("| seconds from the command | median | least | most |\n| --- | --- | --- | --- |")
    for name, seconds in zip(("first prediction", "end"), zip(*counted, strict=True), strict=True):
        cells = (statistics.median(seconds), min(seconds), max(seconds))
        print(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")


def time_run(recipe: str, picture: str) -> tuple[float, float]:
    """Return the seconds until the ledger holds a prediction, and until the command ends."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "results"
        command = [sys.executable, "-m", "diascope", "run", recipe, picture, "--quiet"]
        start, first = time.perf_counter(), None
        with subprocess.Popen([*command, "--output", str(output)]) as process:
            while process.poll() is None:
                if first is None and has_answer(output / "ledger.sqlite"):
                    first = time.perf_counter() - start
                time.sleep(PAUSE_S)
        if process.returncode or first is None:
            raise SystemExit(
                f"the run failed or ended too fast to be observed: {process.returncode}"
            )
        return first, time.perf_counter() - start


def has_answer(ledger: Path) -> bool:
    if not ledger.exists():
        return False
    try:
        with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as base:
            (count,) = base.execute("select count(*) from items where state = 'ok'").fetchone()
            return bool(count)
    except sqlite3.OperationalError:  # the tables do not exist yet, or are being written
        return False


if __name__ == "__main__":
    main()
