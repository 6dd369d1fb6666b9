"""Cross-validation: every picture is measured by a network that never saw its group."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.errors import TableError, WeightsError
from tests.runs import Ended, rows
from tests.training.trainings import COLOURS, train, with_splits, write_table, write_training

roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score
pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty pictures of three colours."""
    return write_table(tmp_path / "pictures", list(COLOURS))


def test_folds_measure_every_picture_by_a_network_that_never_saw_its_group(
    tmp_path: Path, table: Path
) -> None:
    labels = {name: {"title": f"Rather {name}"} for name in COLOURS}
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, folds=2, labels=labels)
    card = train(recipe, tmp_path / "mine")
    parts = [rows(tmp_path / "mine" / fold / "split.csv") for fold in ("fold-1", "fold-2")]
    assert [path.parent.name for path in tmp_path.rglob("recipe.yaml")] == ["mine"]
    tested = [{row["group"] for row in part if row["split"] == "test"} for part in parts]

    assert card.cross_validation["folds"] == 2
    assert card.cross_validation["measured_on"].startswith("60 pictures of 30 groups")
    assert len(tested[0]) + len(tested[1]) == len(tested[0] | tested[1]) == 30
    assert "Rather red" in (tmp_path / "mine/cross-validation/evaluation.html").read_text()


def test_each_picture_has_its_answer_of_the_fold_that_never_saw_its_group(
    tmp_path: Path,
) -> None:
    table = write_table(tmp_path / "pictures", ["", "red", "blue", "red|blue"])
    lines = table.read_text().splitlines()
    lines[30] = lines[30].replace(",red,", ",?red,")
    table.write_text("\n".join(lines) + "\n")
    mine = tmp_path / "mine"
    options = {"task": "multilabel", "epochs": 1, "folds": 2}
    card = train(write_training(tmp_path / "t.yaml", table, **options), mine)
    found = rows(mine / "cross-validation/predictions.csv")
    folds = [
        {row["group"]: str(number) for row in rows(part) if row["split"] == "test"}
        for number, part in enumerate(sorted(mine.glob("fold-*/split.csv")), 1)
    ]

    assert [row["path"] for row in found] == [row["path"] for row in rows(table)]
    assert [row["truth"].split("|") for row in found] == [
        sorted(row["label"].split("|")) for row in rows(table)
    ]
    assert {row["group"]: row["fold"] for row in found} == folds[0] | folds[1]
    known = [row for row in found if row["truth"] != "?red"]
    truth = ["red" in row["truth"].split("|") for row in known]
    auc = roc_auc_score(truth, [float(row["score.red"]) for row in known])
    assert card.cross_validation["auc_red"]["value"] == pytest.approx(auc)
    right = [
        "red" in row["predicted"].split("|") for row, has in zip(known, truth, strict=True) if has
    ]
    assert card.cross_validation["sensitivity_red"]["value"] == pytest.approx(np.mean(right))

    tested = [row for row in rows(mine / "split.csv") if row["split"] == "test"]
    held_out = rows(mine / "held-out-predictions.csv")
    assert [row["path"] for row in held_out] == [row["path"] for row in tested]
    assert {row["split"] for row in held_out} == {"test"}


def test_another_number_of_folds_in_a_folder_is_refused_by_name(
    tmp_path: Path, table: Path
) -> None:
    known: dict[str, Any] = {"epochs": 1, "monitor": "validation_loss"}
    train(write_training(tmp_path / "t.yaml", table, **known, folds=2), tmp_path / "mine")
    before = (tmp_path / "mine/fold-1/split.csv").read_bytes()
    with pytest.raises(
        WeightsError,
        match="differs in rows, splits or folds of the table",
    ):
        train(write_training(tmp_path / "t.yaml", table, **known, folds=3), tmp_path / "mine")
    assert (tmp_path / "mine/fold-1/split.csv").read_bytes() == before


def test_a_fold_that_cannot_learn_a_label_is_refused_before_anything_is_trained(
    tmp_path: Path, table: Path
) -> None:
    lines = [line for line in table.read_text().splitlines() if ",blue," not in line]
    lines += [f"2-0{number}.png,blue,2-0" for number in range(4)]  # of one group
    table.write_text("\n".join(lines) + "\n")
    recipe = write_training(tmp_path / "t.yaml", table, folds=2, monitor="validation_loss")
    told = r"fold \d of 2 has no picture of blue to learn from\n.*blue has only one: write folds: 0"
    with pytest.raises(TableError, match=told):
        train(recipe, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_copies_that_only_a_fold_parts_are_refused(tmp_path: Path, table: Path) -> None:
    for number in ("02", "04", "06", "08"):  # of other groups
        shutil.copy(table.parent / "0-00.png", table.parent / f"0-{number}.png")
    with_splits(table)
    recipe = write_training(tmp_path / "t.yaml", table, folds=2)
    with pytest.raises(
        TableError, match=r"in fold \d of 2: 1 picture with copies in another split"
    ):
        train(recipe, tmp_path / "mine")


def test_figures_of_pictures_that_are_copies_of_learned_ones_say_so(
    tmp_path: Path, table: Path
) -> None:
    for number in ("02", "04", "06", "08", "18"):  # the last is of test
        shutil.copy(table.parent / "0-00.png", table.parent / f"0-{number}.png")
    with_splits(table)
    options: dict[str, Any] = {"allow_duplicates": True, "folds": 2, "epochs": 1}
    card = train(write_training(tmp_path / "t.yaml", table, **options), tmp_path / "mine")
    told = (
        r"{} of the {} pictures (has a copy|have copies) among those trained on: "
        "the metrics are optimistic"
    )
    for folder, metrics, count in (
        (tmp_path / "mine", card.metrics, told.format(1, 6)),
        (tmp_path / "mine/cross-validation", card.cross_validation, told.format(r"\d", 60)),
    ):
        assert re.search(count, metrics["measured_on"])
        assert re.search(count, (folder / "metrics.json").read_text())
        assert re.search(count, (folder / "evaluation.html").read_text())


def test_the_terminal_tells_the_folds_from_the_model_itself_and_shows_what_they_found(
    command: Callable[..., Ended], tmp_path: Path, table: Path
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, folds=2)
    ended = command("train", recipe, "-o", tmp_path / "mine")
    lines = ended.err.splitlines()
    heads = ["Fold 1 of 2", "Fold 2 of 2", "The model itself, on all groups of train"]
    assert [line for line in lines if line in heads] == heads
    assert "Cross-validation, 2 folds, on 60 pictures of 30 groups" in ended.out
    assert str(tmp_path / "mine/cross-validation/evaluation.html") in ended.out
    other = command("train", write_training(recipe, table, epochs=1), "-o", tmp_path / "other")
    assert "The model itself" not in other.err
    assert "Cross-validation" not in other.out


def test_too_few_groups_for_the_folds_are_refused_with_their_table(
    tmp_path: Path, table: Path
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, folds=31)
    with pytest.raises(TableError, match="30 groups are too few") as refused:
        train(recipe, tmp_path / "mine")
    assert refused.value.where == str(table)
    assert "fewer folds" in refused.value.hint
