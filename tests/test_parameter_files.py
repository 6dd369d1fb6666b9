"""Files that a recipe names as parameters of plugins are part of what a run depends on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.errors import RecipeError
from diascope.pipeline import compose
from diascope.recipe import read_recipe
from tests.runs import Ended, rows, write_pictures, write_recipe

Command = Callable[..., Ended]
Install = Callable[..., None]

LISTED = """
from dataclasses import dataclass, field
from pathlib import Path

@dataclass(frozen=True)
class Source:
    folder: Path
    files: tuple[Path, ...] = field(init=False)
    def __post_init__(self):
        object.__setattr__(self, "files", tuple(self.folder.glob("*.txt")))

@dataclass(frozen=True)
class Listed:
    source: Source
    api = (1, 0)
    def __call__(self, sample):
        return sample
"""

LOOKUP = '''
from dataclasses import dataclass
from pathlib import Path
import numpy as np

@dataclass(frozen=True)
class Lookup:
    """Multiplies the pixels by the number in a file."""
    table: Path
    api = (1, 0)
    def __call__(self, sample):
        pixels = (sample.pixels * float(self.table.read_text())).astype(np.uint8)
        return sample.changed(pixels, "looked up")
'''


@pytest.mark.filterwarnings("ignore:.* answered by an earlier run")
def test_another_content_of_a_file_that_it_reads_is_another_run(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path
) -> None:
    install("acme", "[diascope.preprocessing]\nlookup = acme:Lookup\n", acme=LOOKUP)
    (tmp_path / "table.txt").write_text("1")
    steps = [{"resize": {"size": 32}}, {"lookup": {"table": "table.txt"}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=steps, report=["csv"])
    arguments = "run", recipe, write_pictures(tmp_path / "squares", 1), "-o", tmp_path / "out"
    command(*arguments)
    (before,) = rows(tmp_path / "out" / "predictions.csv")
    assert "nothing was left to classify" in command(*arguments).out

    (tmp_path / "table.txt").write_text("0.1")
    assert "nothing was left to classify" not in command(*arguments).out
    (after,) = rows(tmp_path / "out" / "predictions.csv")
    assert after != before


def test_a_file_of_another_name_is_another_run(
    install: Install, tmp_path: Path, tiny_weights: Path
) -> None:
    install("acme", "[diascope.preprocessing]\nlookup = acme:Listed\n", acme=LISTED)
    table = tmp_path / "tables" / "a.txt"
    table.parent.mkdir()
    table.write_text("1")
    steps = [{"lookup": {"source": {"folder": "tables"}}}]
    recipe = read_recipe(str(write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=steps)))
    assert compose(recipe).preparation.steps[0].files == (table,)
    before = compose(recipe).digest()
    assert compose(recipe).digest() == before

    table.rename(table.with_name("b.txt"))
    assert compose(recipe).digest() != before


def test_a_run_without_a_file_that_it_reads_is_refused_and_keeps_its_answers(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path
) -> None:
    install("acme", "[diascope.preprocessing]\nlookup = acme:Lookup\n", acme=LOOKUP)
    table = tmp_path / "table.txt"
    table.write_text("1")
    steps = [{"resize": {"size": 32}}, {"lookup": {"table": "table.txt"}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=steps, report=["csv"])
    squares, out = write_pictures(tmp_path / "squares", 1), tmp_path / "out"
    arguments = "run", recipe, squares, "-o", out
    command(*arguments)
    before = (out / "ledger.sqlite").read_bytes()

    table.unlink()
    for refused in (command(*arguments), command("check", recipe, squares)):
        assert refused.code == 2
        assert refused.err.count("table: there is no file or folder") == 1
        assert f"{recipe}:1: " in refused.err
        assert "table.txt" in refused.err
    assert (out / "ledger.sqlite").read_bytes() == before

    table.write_text("1")
    assert "nothing was left to classify" in command(*arguments).out


WRITER = """
from dataclasses import dataclass
from pathlib import Path

@dataclass(frozen=True)
class Note:
    file: Path
    api = (1, 0)
    def write(self, run, records, directory):
        self.file.write_text("done")
        return []
"""


def test_a_report_may_create_what_its_parameters_name(
    command: Command, install: Install, tmp_path: Path, tiny_weights: Path
) -> None:
    install("acme", "[diascope.reports]\nnote = acme:Note\n", acme=WRITER)
    reports = [{"note": {"file": str(tmp_path / "note.txt")}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, report=reports)
    squares = write_pictures(tmp_path / "squares", 1)
    assert command("run", recipe, squares, "-o", tmp_path / "out").code == 0
    assert (tmp_path / "note.txt").read_text() == "done"


NESTED = """
from dataclasses import dataclass
from pathlib import Path

@dataclass(frozen=True, slots=True)
class Source:
    file: Path

@dataclass(frozen=True)
class Lookup:
    source: Source
    api = (1, 0)
    def __call__(self, sample):
        return sample
"""


def test_a_file_inside_another_value_is_found_too(
    install: Install, tmp_path: Path, tiny_weights: Path
) -> None:
    install("acme", "[diascope.preprocessing]\nlookup = acme:Lookup\n", acme=NESTED)
    (tmp_path / "table.txt").write_text("1")
    steps = [{"lookup": {"source": {"file": str(tmp_path / "table.txt")}}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=steps)
    (step,) = compose(read_recipe(str(recipe))).preparation.steps
    assert step.files == (tmp_path / "table.txt",)

    (tmp_path / "table.txt").unlink()
    with pytest.raises(RecipeError, match="source: there is no file or folder"):
        compose(read_recipe(str(recipe)))
