"""The files of an evaluation: figures, page and ``metrics.json``."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diascope.evaluation.compare import Comparison, compare
from diascope.evaluation.delong import Difference
from diascope.evaluation.evaluate import evaluate
from diascope.evaluation.figures import DRAWINGS
from diascope.evaluation.write import write_evaluation
from tests.browser import chromium
from tests.evaluation.tables import binary, multiclass

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


def test_a_label_that_no_item_has_shows_dashes(tmp_path: Path) -> None:
    table = multiclass()
    table = replace(table, targets=np.eye(3)[np.arange(120) % 2])
    write_evaluation(evaluate(table, draws=5), tmp_path)
    drawing = (tmp_path / "figures" / "confusion.svg").read_text()
    assert drawing.count(">–<") == 3  # noqa: RUF001


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
