"""Learning curves."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from diascope.training.curves import _mark_best, best_epoch, draw_curves
from diascope.training.scoring import Figures

pytestmark = pytest.mark.figures

HISTORY: list[Figures] = [
    {"epoch": 1, "loss": 0.9, "validation_loss": 0.5, "auc_macro": None, "seconds": 9.0},
    {"epoch": 2, "loss": 0.5, "validation_loss": 0.4, "auc_macro": 0.8, "learning_rate": 1e-3},
    {"epoch": 3, "loss": 0.3, "validation_loss": 0.6, "auc_macro": 0.8, "learning_rate": 1e-4},
    {"epoch": 4, "loss": 0.2, "validation_loss": 0.7, "auc_macro": 0.7, "learning_rate": 1e-5},
]


@pytest.mark.parametrize(
    ("monitor", "best"), [("auc_macro", 3), ("validation_loss", 2), ("loss", 4)]
)
def test_the_best_epoch_is_by_what_was_monitored_and_the_last_of_equals(
    monitor: str, best: int
) -> None:
    assert best_epoch(HISTORY, monitor) == best


def test_without_any_figure_the_best_epoch_is_the_last() -> None:
    assert (
        best_epoch([{"epoch": 1, "auc_macro": None}, {"epoch": 2, "auc_macro": None}], "auc_macro")
        == 2
    )


def test_the_curves_show_what_each_epoch_says(tmp_path: Path) -> None:
    png, svg = draw_curves(HISTORY, 3, tmp_path)
    drawing = svg.read_text()
    for words in ("Loss", "Training", "AUC, mean over labels", "Learning rate", "kept: 3"):
        assert words in drawing
    assert "Seconds" not in drawing, "a figure of another scale has no axis here"
    with Image.open(png) as picture:
        assert (picture.format, picture.width > 1000) == ("PNG", True)


def test_one_epoch_without_further_figures_is_drawn(tmp_path: Path) -> None:
    _, svg = draw_curves([{"epoch": 1, "loss": 0.9}], 1, tmp_path)
    drawing = svg.read_text()
    assert "Learning rate" not in drawing
    assert ">1</text>" in drawing, "there is no epoch between two"
    assert ">1.005</text>" not in drawing


def test_the_same_history_gives_the_same_files(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in draw_curves(HISTORY, 3, tmp_path)]
    assert [path.read_bytes() for path in draw_curves(HISTORY, 3, tmp_path)] == first


@pytest.mark.parametrize(("best", "side"), [(1, "left"), (4, "right")])
def test_the_kept_epoch_is_named_on_the_side_where_there_is_room(best: int, side: str) -> None:
    axes = Figure().subplots()
    _mark_best(axes, best, 4)
    (name,) = axes.texts
    assert (name.get_text(), name.get_horizontalalignment()) == (f"kept: {best}", side)
