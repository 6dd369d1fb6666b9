"""Run the benchmarks of speed one after the other and write what they print into RESULTS.md.

    python benchmarks/all.py [--quick]

Takes an hour or two on two cores that have nothing else to do; ``--quick`` takes fewer pictures.
"""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
RUNS = (
    ("engines.py", [], []),
    ("end_to_end.py", [], ["--photographs", "300", "--radiographs", "64", "--jpeg-2000", "64"]),
    ("decoders.py", [], []),
    ("training.py", [], ["--rounds", "1"]),
    ("slides.py", [], ["--size", "0", "--timed", "10000", "--rounds", "3"]),
    ("evidence.py", [], []),
    ("ray_overhead.py", [], []),
    ("growth.py", [], ["--items", "1000", "10000"]),
)
"""A script, what it is called with, and what instead for ``--quick``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    results = FOLDER / "RESULTS.md"
    day = datetime.now(UTC).date().isoformat()
    results.write_text(f"# Results\n\nWritten by `make bench` on {day}.\n", encoding="utf-8")
    for script, usual, few in RUNS:
        arguments = few if quick else usual
        command = [sys.executable, str(FOLDER / script), *arguments]
        print(" ".join(command), flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        call = " ".join(["python", f"benchmarks/{script}", *arguments])
        with results.open("a", encoding="utf-8") as file:
            file.write(f"\n## `{call}`\n\n{done.stdout.strip()}\n")


if __name__ == "__main__":
    main()
