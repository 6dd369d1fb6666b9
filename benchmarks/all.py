"""Run the speed benchmarks one after the other and write their output to RESULTS.md.

    python benchmarks/all.py [--quick]

Takes an hour and three quarters on two otherwise idle cores; ``--quick`` uses fewer pictures. A
script that fails is reported, and the others still run.
"""

import argparse
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parent
BUT_JPEG_2000 = ["--jpeg-2000", "0"]
JPEG_2000 = ["--photographs", "0", "--radiographs", "0", "--precisions", "auto"]  # decoder-bound
RUNS = (
    ("engines.py", [], []),
    (
        "end_to_end.py",
        BUT_JPEG_2000,
        [*BUT_JPEG_2000, "--photographs", "300", "--radiographs", "64"],
    ),
    ("end_to_end.py", JPEG_2000, [*JPEG_2000, "--jpeg-2000", "64"]),
    ("growth.py", [], ["--items", "1000", "10000"]),
    ("ray_overhead.py", [], []),
    ("start.py", [], []),
    ("evidence.py", [], []),
    ("decoders.py", [], []),
    ("slides.py", [], ["--size", "0", "--timed", "10000", "--rounds", "3"]),
    ("training.py", [], ["--rounds", "1"]),
)
"""Each script with its arguments, and those for ``--quick``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    results = FOLDER / "RESULTS.md"
    day = datetime.now(UTC).date().isoformat()
    results.write_text(f"# Results\n\nWritten by `make bench` on {day}.\n", encoding="utf-8")
    failed = []
    for script, usual, few in RUNS:
        arguments = few if quick else usual
        call = " ".join(["python", f"benchmarks/{script}", *arguments])
        print(call, flush=True)
        start = time.monotonic()
        command = [sys.executable, str(FOLDER / script), *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        took = f"{(time.monotonic() - start) / 60:.1f} minutes"
        if done.returncode:
            failed.append(call)
            took += f", failed with exit code {done.returncode}"
        with results.open("a", encoding="utf-8") as file:
            file.write(f"\n## `{call}`\n\nTook {took}.\n\n{done.stdout.strip()}\n")
    if failed:
        sys.exit("failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
