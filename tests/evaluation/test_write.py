"""The files of an evaluation: figures, page and ``metrics.json``."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image

from diascope.evaluation.compare import Comparison, compare
from diascope.evaluation.confusion import draw_confusion
from diascope.evaluation.curves import draw_precision_recall, draw_roc, net_benefit
from diascope.evaluation.delong import Difference
from diascope.evaluation.evaluate import evaluate
from diascope.evaluation.figures import DRAWINGS, draw_figures
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.reliability import draw_reliability
from diascope.evaluation.style import figure_settings, line_style
from diascope.evaluation.write import write_evaluation
from tests.browser import chromium
from tests.evaluation.tables import binary, multiclass, multilabel, scored

HOSTILE = "</td><img src=x onerror=alert(1)>'\"&.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A written evaluation with a subgroup, a failed item and a comparison."""
    table = multiclass(columns={"sex": ("f", "m") * 60})
    evaluation = evaluate(
        table,
        by=["sex"],
        draws=20,
        failed={HOSTILE: "read: cut off"},
        comparison=compare(table, multiclass(seed=1), title="older", draws=20),
    )
    folder = tmp_path_factory.mktemp("evaluation")
    facts = {"model": "colours", "weights digest": "ab" * 32}
    write_evaluation(evaluation, folder, title="Colours", facts=facts, titles={"red": "Rather red"})
    return folder


def drawings_of(page: str) -> list[str]:
    """Return the SVG of each figure."""
    return re.findall(r"<figure.*?(<svg.*?</svg>).*?</figure>", page, re.DOTALL)


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
    for count, broad, large in ((6, 1, 0), (40, 4, 2)):
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


def test_items_of_one_class_only_are_measured(tmp_path: Path) -> None:
    table = binary()
    evaluation = evaluate(table.take(table.targets[:, 1] == 0), draws=5)
    assert write_evaluation(evaluation, tmp_path)
    assert evaluation.warnings == (
        "no item has the label spotted: metrics that need one are not defined",
    )


def test_the_json_has_model_counts_metrics_and_everything_requested(folder: Path) -> None:
    found = json.loads((folder / "metrics.json").read_text())
    assert (found["model"], found["weights digest"]) == ("colours", "ab" * 32)
    assert found["labels"] == ["red", "green", "blue"]
    assert found["items"] == {
        "found": 121,
        "measured": 120,
        "failed": 1,
        "groups": 120,
        "labels": {"red": 40, "green": 40, "blue": 40},
    }
    assert set(found["metrics"]["auc_macro"]) == {"value", "low", "high"}
    assert set(found["subgroups"]["sex"]) == {"f", "m"}
    assert set(found["comparison"]["delong"]["auc_red"]) == {"difference", "low", "high", "p"}
    assert found["warnings"] == ["1 item (0.8%) without an answer, in no metric"]
    assert found["failed"] == {HOSTILE: "read: cut off"}


def test_the_page_is_one_file_with_one_notice_and_escapes_names(folder: Path) -> None:
    page = (folder / "evaluation.html").read_text()
    assert page.count("Not a medical device") == 1
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert not re.search(r'(src|href)="https?:', page)
    assert "{{" not in page
    assert len(drawings_of(page)) == len(DRAWINGS)
    assert all(text in page for text in ("Rather red", "Compared with older", "By sex", "ab" * 32))


def test_a_subgroup_is_below_all_items_and_has_its_warning(tmp_path: Path) -> None:
    table = multiclass(columns={"sex": (*("f",) * 30, *("m",) * 90)})
    write_evaluation(evaluate(table, by=["sex"], draws=5), tmp_path)
    page = (tmp_path / "evaluation.html").read_text()
    groups = page[page.index("By sex") :]
    assert groups.index(">All<") < groups.index(">f<") < groups.index(">m<")
    assert groups.count("Read with care: fewer than 50 items") == 1


def test_a_metric_of_a_label_that_is_not_defined_says_so(tmp_path: Path) -> None:
    table = multiclass()
    write_evaluation(evaluate(table.take(table.targets[:, 2] == 0), draws=5), tmp_path)
    assert "not defined" in (tmp_path / "evaluation.html").read_text()


def test_a_long_list_of_failures_is_cut_and_says_so(tmp_path: Path) -> None:
    failed = {f"{number}.png": "cut off" for number in range(203)}
    write_evaluation(evaluate(binary(), draws=5, failed=failed), tmp_path)
    page = (tmp_path / "evaluation.html").read_text()
    assert page.count(".png") == 200
    assert "And 3 more in metrics.json" in page


def test_figures_in_the_page_take_the_pages_colours(folder: Path) -> None:
    drawings = drawings_of((folder / "evaluation.html").read_text())
    fixed = {colour for drawing in drawings for colour in re.findall(r"#[0-9a-f]{6}\b", drawing)}
    assert fixed <= {"#000000"}  # clip paths, which are not seen
    assert all("var(--" in drawing for drawing in drawings)


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("one", "other"))
    for place in (one, other):
        place.mkdir()
        write_evaluation(evaluate(binary(), draws=5), place)
    for name in ("metrics.json", "evaluation.html", "figures/roc.svg"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_the_page_fits_a_phone_and_breaks_no_policy(folder: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))
        page.goto(f"file://{folder}/evaluation.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert errors == []


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


def test_a_label_that_no_item_has_shows_dashes(tmp_path: Path) -> None:
    table = multiclass()
    table = replace(table, targets=np.eye(3)[np.arange(120) % 2])
    write_evaluation(evaluate(table, draws=5), tmp_path)
    drawing = (tmp_path / "figures" / "confusion.svg").read_text()
    assert drawing.count(">–<") == 3  # noqa: RUF001


def test_lines_differ_by_more_than_their_colours() -> None:
    styles = [line_style(number) for number in range(24)]
    assert len({str(style) for style in styles}) == 24
    orange, ochre, teal, grey = (styles[number]["linestyle"] for number in (1, 6, 0, 7))
    assert orange != ochre  # these pairs look alike to the colour blind
    assert teal != grey


def test_the_nominal_coverage_is_shown_with_the_measured_one(tmp_path: Path) -> None:
    table = multiclass(sets=np.ones((120, 3), np.bool_), coverage=0.9)
    for place, answers in (("with", table), ("without", multiclass())):
        write_evaluation(evaluate(answers, draws=5), tmp_path / place)
    pages = {
        place: (tmp_path / place / "evaluation.html").read_text() for place in ("with", "without")
    }
    assert "nominal coverage of the prediction sets is 90 % of the items" in pages["with"]
    assert "nominal coverage" not in pages["without"]
    written = json.loads((tmp_path / "with" / "metrics.json").read_text())
    assert written["promised_coverage"] == 0.9


def test_differences_and_p_values_are_formatted_like_other_numbers(
    tmp_path: Path,
) -> None:
    older = Comparison("older", 120, {"spotted": Difference(-0.0312, -0.0624, 0.05, 0.0496)}, {})
    older.labels["seen"] = Difference(0.0002, -0.0002, 0.0004, 0.5)
    older.labels["both 1"] = Difference(0.0)
    write_evaluation(evaluate(binary(), draws=5, comparison=older), tmp_path)
    page = (tmp_path / "evaluation.html").read_text()
    less = "\N{MINUS SIGN}"
    assert f">{less}0.031</td>" in page
    assert f">{less}0.062 to +0.050</td>" in page
    assert ">0.0496</td>" in page
    assert ">0.000 to 0.000</td>" in page
    assert 'both 1</th><td class="number">0.000</td><td class="number muted"></td>' in page
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["comparison"]["delong"]["auc_both 1"] == {"difference": 0.0}


def test_items_without_groups_are_not_described_as_groups(tmp_path: Path) -> None:
    for name, table in (("each", binary()), ("pairs", binary(groups=("a", "b") * 60))):
        write_evaluation(evaluate(table, draws=5), tmp_path / name)
    each, pairs = ((tmp_path / name / "evaluation.html").read_text() for name in ("each", "pairs"))
    assert "bootstrap over items (each is a group of its own); " in each
    assert "bootstrap over groups (the items of a group are drawn together); " in pairs
    assert "drawn together" not in each
