"""The figures of an evaluation."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image

from diascope.evaluation.confusion import draw_confusion
from diascope.evaluation.curves import draw_precision_recall, draw_roc, net_benefit
from diascope.evaluation.evaluate import evaluate
from diascope.evaluation.figures import DRAWINGS, draw_figures
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.reliability import draw_reliability
from diascope.evaluation.style import figure_settings, line_style
from diascope.evaluation.write import write_evaluation
from tests.evaluation.tables import binary, multiclass, multilabel, scored


def many_labels(names: tuple[str, ...]) -> LabelledScores:
    """Return answers at random on so many labels."""
    random, count = np.random.default_rng(0), len(names)
    truth = np.eye(count)[np.arange(4 * count) % count]
    scores = random.dirichlet(np.ones(count), 4 * count)
    decided = np.eye(count, dtype=np.bool_)[scores.argmax(axis=1)]
    return scored(names, "multiclass", truth, scores, decided)


@pytest.mark.parametrize("number", [14, 40])
@pytest.mark.parametrize("draw", [draw_roc, draw_precision_recall, draw_reliability])
def test_a_legend_of_many_labels_leaves_the_plot_its_size(
    draw: Callable[[LabelledScores], Any], number: int
) -> None:
    names = tuple(f"a long name of a finding, in three lines, number {n}" for n in range(number))
    with matplotlib.rc_context(figure_settings("curves")):
        figure = draw(replace(many_labels(names), task="multilabel"))
        figure.draw_without_rendering()
    axes, share = figure.axes[0], 0.5 if draw is draw_reliability else 0.7
    plot, legend = axes.get_window_extent(), axes.get_legend().get_window_extent()
    assert plot.height > share * figure.bbox.height
    assert figure.bbox.y0 <= legend.y0 < legend.y1 <= figure.bbox.y1
    assert legend.x1 <= figure.bbox.x1


def test_a_figure_that_is_broad_takes_the_whole_width_and_a_large_one_its_size(
    tmp_path: Path,
) -> None:
    # the decision curve is broad, then those with a long legend; two grow with each label
    for count, broad, large in ((6, 1, 0), (24, 4, 2)):
        labels = many_labels(tuple(f"finding {number}" for number in range(count)))
        write_evaluation(evaluate(labels, draws=2), tmp_path / str(count))
        page = (tmp_path / str(count) / "evaluation.html").read_text()
        assert page.count('<figure class="panel wide">') == broad
        widths = re.findall(r'style="min-width: \d+px; max-width: (\d+)px"><svg', page)
        assert len(widths) == large
        assert all(f'viewBox="0 0 {width}' in page for width in widths)


@pytest.mark.parametrize("name", ["mel", "adenocarcinoma-of-lung", "MMMMMMMMMMMMMMMMMMMMMM"])
def test_nothing_crosses_the_edge_of_a_figure(tmp_path: Path, name: str) -> None:
    labels = many_labels((name, "benign keratosis-like lesion", "red"))
    for answers in (labels, replace(labels, task="multilabel")):
        draw_figures(answers, tmp_path)
        for each in DRAWINGS:
            with Image.open(tmp_path / f"{each.name}.png") as image:
                ink = np.asarray(image.convert("L")) < 200
            sides = {"left": ink[:, 0], "right": ink[:, -1], "top": ink[0], "bottom": ink[-1]}
            assert [side for side, edge in sides.items() if edge.any()] == [], each.name


def test_with_many_labels_only_cells_with_items_are_drawn() -> None:
    few, many = (many_labels(tuple(map(str, range(number)))) for number in (20, 21))
    pairs = set(zip(many.targets.argmax(1), many.predicted.argmax(1), strict=True))
    each = replace(many, task="multilabel")  # what is found and raised of each: four cells
    for table, cells in ((few, 20 * 20), (many, len(pairs)), (each, 21 * 4)):
        texts = draw_confusion(table).axes[0].texts
        assert len([text for text in texts if "%" in text.get_text()]) == cells


def test_a_png_file_of_very_many_labels_has_a_limited_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diascope.evaluation.style._PIXELS", 250_000)
    draw_figures(multiclass(), tmp_path)
    for path in tmp_path.glob("*.png"):
        with Image.open(path) as image:
            assert 0.9 * 250_000 < image.width * image.height <= 250_000


def test_labels_are_written_as_they_are_named(tmp_path: Path) -> None:
    labels = many_labels((r"$\foo$", "_rest", "red"))
    draw_figures(replace(labels, task="multilabel"), tmp_path)
    for each in DRAWINGS:
        drawn = (tmp_path / f"{each.name}.svg").read_text()
        assert all(name in drawn for name in labels.names)


def test_letters_that_the_font_lacks_are_warned_of_once(tmp_path: Path) -> None:
    with pytest.warns() as heard:
        draw_figures(many_labels(("黒色腫", "母斑", "red")), tmp_path)
    (warning,) = heard
    assert "PNG files show boxes" in str(warning.message)


@pytest.mark.parametrize("make", [binary, multilabel])
def test_every_task_gets_every_figure_as_png_and_svg(
    make: Callable[..., LabelledScores], tmp_path: Path
) -> None:
    files = write_evaluation(evaluate(make(), draws=5), tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in files}
    kinds = {f"figures/{d.name}.{kind}" for d in DRAWINGS for kind in ("png", "svg")}
    assert names == {"metrics.json", "evaluation.html"} | kinds
    for path in tmp_path.glob("figures/*.png"):
        with Image.open(path) as image:
            assert len(image.convert("L").getcolors() or ()) > 20, f"{path} is blank"


def test_the_histogram_of_several_labels_counts_scores_instead_of_items() -> None:
    told = [
        draw_reliability(table()).axes[1].get_ylabel() for table in (binary, multiclass, multilabel)
    ]
    assert told == ["Items", "Items", "Scores"]


def test_net_benefit_is_that_of_vickers_and_elkin() -> None:
    truth = np.array([True] * 10 + [False] * 90)
    everyone = net_benefit(truth, np.ones(100))
    assert everyone[9] == pytest.approx(0)  # treating all is worth nothing at the prevalence, 0.10
    assert everyone[19] == pytest.approx(0.1 - 0.9 * 0.2 / 0.8)
    perfect = net_benefit(truth, truth.astype(np.float64))
    assert perfect == pytest.approx(np.full(99, 0.1))


def test_long_names_of_labels_are_wrapped_in_the_figures(tmp_path: Path) -> None:
    names = ("actinic keratosis or intraepithelial carcinoma", "melanocytic nevus", "vascular")
    write_evaluation(evaluate(replace(multiclass(), names=names), draws=5), tmp_path)
    for name in ("confusion", "roc", "precision-recall", "decision"):
        drawing = (tmp_path / "figures" / f"{name}.svg").read_text()
        assert names[0] not in drawing, name


def test_column_names_of_the_matrix_break_no_word_that_fits_a_line(tmp_path: Path) -> None:
    names = ("lung adenocarcinoma", "normal lung", "lung squamous cell carcinoma")
    write_evaluation(evaluate(replace(multiclass(), names=names), draws=5), tmp_path)
    drawing = (tmp_path / "figures" / "confusion.svg").read_text()
    assert drawing.count("adenocarcinoma") == 2  # beside its row, below its column
    page = (tmp_path / "evaluation.html").read_text()
    assert page.count('<figure class="panel wide">') == 1  # the decision curve, of three labels


def test_lines_differ_by_more_than_their_colours() -> None:
    styles = [line_style(number) for number in range(24)]
    assert len({str(style) for style in styles}) == 24
    orange, ochre, teal, grey = (styles[number]["linestyle"] for number in (1, 6, 0, 7))
    assert orange != ochre  # these pairs look alike to the colour blind
    assert teal != grey
