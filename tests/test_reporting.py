"""Reports that could not do all they should."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope.errors import OutputError
from diascope.reports.csv import CsvReport
from tests.runs import Ended, write_pictures

Command = Callable[..., Ended]


@pytest.mark.parametrize(("raised", "kept"), [(OutputError, True), (RuntimeError, False)])
def test_what_a_report_wrote_before_it_told_a_problem_of_the_output_is_kept(
    command: Command,
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: type[Exception],
    kept: bool,
) -> None:
    def write(self: CsvReport, run: Any, records: Any, directory: Path) -> list[Path]:
        (directory / "told.csv").write_text("new")
        raise raised("the rest is not there")

    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    results.mkdir()
    (results / "told.csv").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(CsvReport, "write", write)
        ended = command("run", recipe, photos, "-o", results)
    assert ended.code == 1
    assert "the rest is not there" in ended.err
    assert (results / "told.csv").read_text() == ("new" if kept else "old")
    assert command("run", recipe, photos, "-o", results).code == 0
    assert (results / "told.csv").exists() == (not kept)  # what is no longer written goes
