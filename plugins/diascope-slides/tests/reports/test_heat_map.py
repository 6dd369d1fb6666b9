"""The picture of a slide with its heat map."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from diascope.pages.heat import viridis_colours
from diascope.testing import check_report
from diascope_slides.reports.heat_map import HeatMapReport
from tests.refusals import refused


@pytest.fixture
def drawn(run: Any, answer: Any, tmp_path: Path) -> np.ndarray:
    """The pixels of a picture with an opaque heat map."""
    (path,) = HeatMapReport(opacity=1).write(run, [answer()], tmp_path)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_the_report_keeps_its_contract(run: Any, answer: Any) -> None:
    (path,) = check_report(HeatMapReport(), run, answer())

    assert path.name == "tumour.png"


def test_all_labels_are_drawn_where_the_recipe_asks_for_them(
    tmp_path: Path, run: Any, answer: Any, plain: Any
) -> None:
    paths = HeatMapReport(labels="all").write(run, [plain, answer()], tmp_path)

    assert [path.name for path in paths] == ["benign.png", "tumour.png"]


def test_a_tile_has_the_colour_of_its_score(drawn: np.ndarray) -> None:
    expected = viridis_colours()[round(0.9 * 254)].astype(int)
    near = np.abs(drawn - expected).max(axis=2) <= 3

    assert near.sum() > 20_000


def test_where_there_is_no_tile_the_slide_is_grey(drawn: np.ndarray) -> None:
    height, width = drawn.shape[:2]
    beside = drawn[int(0.6 * height), int(0.1 * width)]

    assert beside.max() - beside.min() <= 2
    assert 100 < beside.mean() < 220


@pytest.mark.parametrize("spacing", [(0.0005, 0.0005), (0.00025, 0.0005), (0.0005, 0.00025)])
def test_a_slide_has_its_true_proportions(
    tmp_path: Path, run: Any, answer: Any, spacing: tuple[float, float]
) -> None:
    shown = answer()
    shown = replace(shown, overview=replace(shown.overview, spacing_mm=spacing))
    (path,) = HeatMapReport(opacity=1).write(run, [shown], tmp_path)
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    tile = np.abs(pixels - viridis_colours()[round(0.1 * 254)]).max(axis=2) <= 2
    tile[:, int(0.8 * tile.shape[1]) :] = False  # the colour bar
    rows, columns = np.nonzero(tile)

    assert np.ptp(rows) / np.ptp(columns) == pytest.approx(spacing[0] / spacing[1], rel=0.05)


@pytest.mark.parametrize(
    ("kind", "told"),
    [("softmax", "score of each tile (softmax)"), ("share", "score of each tile")],
)
def test_the_colour_bar_states_that_it_shows_scores_of_tiles(
    tmp_path: Path, run: Any, answer: Any, monkeypatch: pytest.MonkeyPatch, kind: str, told: str
) -> None:
    words: list[str] = []
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *_, **__: words.append(figure.axes[1].get_ylabel())
    )
    HeatMapReport().write(run, [replace(answer(), score_kind=kind)], tmp_path)

    assert words == [told]


def test_warnings_and_assumptions_are_below_the_picture(
    tmp_path: Path, run: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: list[str] = []
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *_, **__: words.append(figure.get_supxlabel())
    )
    warned = answer(warnings=("3 of 3 regions unlike the training", "turned, at $2 and $3"))
    assumed = answer(trace=("spacing assumed 0.5 um from the recipe", "level 0, as it is"))
    HeatMapReport().write(run, [warned, assumed, answer()], tmp_path)

    assert words[0] == "3 of 3 regions unlike the training\nturned, at $2 and $3"
    assert words[1:] == ["spacing assumed 0.5 um from the recipe", ""]


def test_many_warnings_do_not_push_the_title_off_the_picture(
    tmp_path: Path, run: Any, answer: Any
) -> None:
    shown = answer(warnings=tuple(f"{number} {80 * 'w'}" for number in range(6)))
    wide = replace(shown, overview=replace(shown.overview, spacing_mm=(0.0005, 0.0015)))
    (path,) = HeatMapReport().write(run, [wide], tmp_path)

    assert np.asarray(Image.open(path).convert("L"))[:8].min() == 255


def test_dollar_signs_are_not_rendered_as_a_formula(tmp_path: Path, run: Any, answer: Any) -> None:
    labels = [{**label, "title": "for $5 {, not $6"} for label in run["card"]["labels"]]
    card = {**run["card"], "labels": labels}

    assert HeatMapReport().write({**run, "card": card}, [answer("a $5 {, b $6")], tmp_path)


def test_two_runs_draw_the_same_picture(tmp_path: Path, run: Any, answer: Any) -> None:
    first = HeatMapReport().write(run, [answer()], tmp_path)[0].read_bytes()

    assert HeatMapReport().write(run, [answer()], tmp_path)[0].read_bytes() == first


def test_a_run_without_slides_writes_nothing(tmp_path: Path, run: Any, plain: Any) -> None:
    assert HeatMapReport().write(run, [plain], tmp_path) == []


@pytest.mark.parametrize("opacity", [0, 1.5])
def test_an_invalid_opacity_is_refused(opacity: float) -> None:
    message = refused(HeatMapReport, {"opacity": opacity})

    assert message == f"opacity must be a number above 0 and at most 1, got {opacity}"
