"""A third-party package adds a reader, a step and a report; a broken one affects no other."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs import Ended, rows, write_pictures, write_recipe

Command = Callable[..., Ended]
Install = Callable[..., None]

ENTRY_POINTS = """
[diascope.readers]
plain = acme:PlainReader

[diascope.preprocessing]
darken = acme:Darken

[diascope.reports]
tally = acme:Tally
"""

ACME = '''
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from diascope.errors import ReadError
from diascope.sample import Prediction, Sample

class PlainReader:
    """Squares of one colour: a file that begins with ACME, followed by three numbers."""
    api = (1, 0)
    def sniff(self, path, head):
        return 90 if head.startswith(b"ACME") else 0
    def read(self, item):
        with item.open() as file:
            numbers = file.read().split()[1:]
        if len(numbers) != 3:
            raise ReadError(f"expected three numbers, got {len(numbers)}")
        yield Sample(item, np.full((32, 32, 3), [int(n) for n in numbers], np.uint8))

@dataclass(frozen=True)
class Darken:
    by: float = 0.5
    api = (1, 0)
    def __call__(self, sample):
        pixels = (sample.pixels * (1 - self.by)).astype(np.uint8)
        return sample.changed(pixels, f"darkened by {self.by}")

@dataclass(frozen=True)
class Tally:
    title: str = "tally"
    api = (1, 0)
    def write(self, run, records, directory):
        good = sum(isinstance(record, Prediction) for record in records)
        path = directory / "tally.txt"
        path.write_text(f"{self.title}: {good} of {run['counts']['found']}")
        return [path]
'''


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what the test installs available to processes that a command starts."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """A folder with a picture, and two files that only the package's reader knows."""
    folder = write_pictures(tmp_path / "squares", 1)
    (folder / "red.acme").write_text("ACME 200 10 10")
    (folder / "short.acme").write_text("ACME 200")
    return folder


def acme_recipe(tmp_path: Path, weights: Path, **changes: object) -> Path:
    steps = [{"resize": {"size": 32}}, {"darken": {"by": 0.25}}]
    known = {"preprocess": steps, "report": ["csv", {"tally": {"title": "sum"}}]}
    return write_recipe(tmp_path / "acme.yaml", weights, **(known | changes))


def test_its_reader_step_and_report_are_found_and_used(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=ACME)
    recipe = acme_recipe(tmp_path, tiny_weights)
    ended = command("run", recipe, squares, "-o", tmp_path / "out")
    assert ended.code == 1
    got = rows(tmp_path / "out" / "predictions.csv")
    assert [row["item"] for row in got] == ["00.png", "red.acme"]
    assert all("darkened by 0.25" in row["trace"] for row in got)
    assert (tmp_path / "out" / "tally.txt").read_text() == "sum: 2 of 3"


def test_its_failure_names_the_plugin_and_the_reason(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=ACME)
    command("run", acme_recipe(tmp_path, tiny_weights), squares, "-o", tmp_path / "out")
    (bad,) = rows(tmp_path / "out" / "failures.csv")
    assert (bad["item"], bad["stage"], bad["plugin"]) == ("short.acme", "read", "plain")
    assert bad["reason"] == "expected three numbers, got 1"


def test_run_json_names_the_package_and_its_version(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, version="2.5", acme=ACME)
    command("run", acme_recipe(tmp_path, tiny_weights), squares, "-o", tmp_path / "out")
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["versions"]["acme"] == "2.5"


def test_a_parameter_that_it_does_not_take_is_refused_with_those_that_it_does(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=ACME)
    recipe = acme_recipe(tmp_path, tiny_weights, preprocess=[{"darken": {"buy": 1}}])
    ended = command("run", recipe, squares, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "unknown key 'buy'" in ended.err
    assert "Did you mean 'by'?" in ended.err


def test_plugins_show_tells_what_it_does(command: Command, install: Install) -> None:
    install("acme", ENTRY_POINTS, acme=ACME)
    shown = command("plugins", "show", "plain").out
    assert "reader plain  (acme 1.0, acme:PlainReader)" in shown
    assert "Squares of one colour" in shown


MODEL = """
from diascope.card import ModelCard
class Loud:
    api = (1, 0)
    @property
    def card(self):
        print("reading a card")
        return ModelCard(name="loud", task="binary", labels=(), size=(8, 8))
    def load(self, runtime): ...
"""


@pytest.mark.parametrize(
    "words", ["plugins show plain", "plugins show loud", "models list", "check RECIPE"]
)
def test_what_a_package_prints_is_no_part_of_a_json_document(
    command: Command, install: Install, recipe: Path, words: str
) -> None:
    loud = "[diascope.models]\nloud = acme:Loud" + ENTRY_POINTS
    install("acme", loud, acme=f"print('loading')\n{ACME}{MODEL}")
    ended = command(*words.replace("RECIPE", str(recipe)).split(), "--json")
    assert json.loads(ended.out)
    assert "loading" in ended.err


BROKEN = "import a_library_that_is_nowhere"


def test_a_recipe_that_does_not_name_a_broken_package_still_works(
    command: Command, install: Install, tmp_path: Path, recipe: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=BROKEN)
    ended = command("run", recipe, squares / "00.png", "-o", tmp_path / "out")
    assert ended.code == 0
    assert "left out of `read: auto`: reader 'plain' of acme 1.0" in ended.err


def test_a_file_that_only_a_broken_reader_may_know_fails(
    command: Command, install: Install, tmp_path: Path, recipe: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=BROKEN)
    (tmp_path / "scan.plain").write_text("1 2 3")
    ended = command(
        "run", recipe, squares / "00.png", tmp_path / "scan.plain", "-o", tmp_path / "o"
    )
    assert ended.code == 1
    (failed,) = rows(tmp_path / "o" / "failures.csv")
    assert (failed["state"], failed["stage"]) == ("failed", "read")
    assert failed["reason"].endswith("; one that is broken may: reader 'plain' of acme 1.0")


def test_a_recipe_that_names_a_broken_package_is_refused_with_the_cause(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=BROKEN)
    recipe = acme_recipe(tmp_path, tiny_weights)
    ended = command("run", recipe, squares, "-o", tmp_path / "out")
    assert ended.code == 2
    assert f"{recipe}:1: preprocessing 'darken' of acme 1.0 cannot be imported" in ended.err
    assert "pip install a_library_that_is_nowhere" in ended.err


def test_plugins_list_shows_the_cause_and_what_to_do(
    command: Command, install: Install, on_path: None
) -> None:
    install("acme", ENTRY_POINTS, acme="raise RuntimeError('out of acme')")
    ended = command("plugins", "list", "--kind", "reader", "--json")
    states = {entry["name"]: entry for entry in json.loads(ended.out)}
    assert states["image"]["state"] == "ok"
    assert states["plain"]["state"] == "broken"
    assert "RuntimeError: out of acme" in states["plain"]["cause"]
    assert "pip uninstall acme" in states["plain"]["hint"]


def test_a_package_that_ends_the_process_is_found_too(
    command: Command, install: Install, on_path: None
) -> None:
    install("acme", ENTRY_POINTS, acme="import os; os._exit(9)")
    ended = command("plugins", "list", "--kind", "reader")
    assert ended.code == 0
    assert "broken: reader 'plain' of acme 1.0 hangs or ends the process" in ended.out
    assert "broken: reader 'image'" not in ended.out


def test_a_package_that_prints_is_not_taken_for_one_that_ends_the_process(
    command: Command, install: Install, on_path: None
) -> None:
    noise = "import atexit, sys\nsys.stdout.write('loading')\natexit.register(print, 'bye')\n"
    install("acme", ENTRY_POINTS, acme=noise + ACME)
    ended = command("plugins", "list", "--kind", "reader")
    assert "plain" in ended.out
    assert "broken" not in ended.out


def test_a_name_that_two_packages_claim_is_refused_with_both(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=ACME)
    other = ENTRY_POINTS.replace("acme:", "other:")
    install("other-acme", other, version="3.1", other=ACME)
    recipe = acme_recipe(tmp_path, tiny_weights)
    ended = command("run", recipe, squares, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "is claimed by acme 1.0 and other-acme 3.1" in ended.err
    assert "acme:darken or other-acme:darken" in ended.err


def test_the_distribution_before_the_name_chooses(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path, squares: Path
) -> None:
    install("acme", ENTRY_POINTS, acme=ACME)
    other = ENTRY_POINTS.replace("acme:", "other:")
    install("other-acme", other, other=ACME.replace("darkened by", "dimmed by"))
    steps = [{"resize": {"size": 32}}, {"other-acme:darken": {"by": 0.5}}]
    recipe = acme_recipe(tmp_path, tiny_weights, preprocess=steps, report=["csv"])
    command("run", recipe, squares / "00.png", "-o", tmp_path / "out")
    assert "dimmed by 0.5" in rows(tmp_path / "out" / "predictions.csv")[0]["trace"]


TYPED = """
from diascope import Item, Sample
from diascope.contracts import Step

class Still:
    api = (1, 0)
    def __call__(self, sample: Sample) -> Sample:
        return sample

class Counts:
    api = (1, 0)
    def __call__(self, sample: Sample) -> int:
        return sample.pixels.size

step: Step = Still()
wrong: Step = Counts()
sample = Sample(Item("a", "a.png"), "no pixels")
"""


def test_its_types_match_ours(tmp_path: Path) -> None:
    (tmp_path / "typed.py").write_text(TYPED)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "typed.py"]
    ended = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    faults = [line for line in ended.stdout.splitlines() if ": error: " in line]
    assert len(faults) == 2, ended.stdout + ended.stderr
    assert "Incompatible types in assignment" in faults[0]
    assert 'Argument 2 to "Sample" has incompatible type "str"' in faults[1]
