"""A training, end to end: from a table of labelled pictures to weights that a run uses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from diascope.card import read_card
from diascope.errors import RecipeError, TableError, WeightsError
from diascope.recipe import read_recipe
from diascope.training.make_plan import make_plan
from tests.runs import Ended, rows, write_recipe
from tests.training.trainings import (
    COLOURS,
    LAYERS,
    train,
    with_splits,
    write_table,
    write_training,
)

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty pictures of three colours."""
    return write_table(tmp_path / "pictures", list(COLOURS))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``mine`` of a training of one epoch, beside its recipe and its table."""
    folder = tmp_path_factory.mktemp("trained")
    table = write_table(folder / "pictures", list(COLOURS))
    train(write_training(folder / "t.yaml", table, epochs=1), folder / "mine")
    return folder / "mine"


@pytest.mark.parametrize(
    ("task", "labels", "metric", "score_kind"),
    [
        ("binary", ["green", "red"], "auc", "sigmoid"),
        ("multiclass", ["red", "green", "blue"], "auc_macro", "softmax"),
        ("multilabel", ["", "red", "blue", "red|blue"], "auc_macro", "probability"),
    ],
)
def test_an_easy_task_is_learned_and_its_weights_run(
    command: Callable[..., Ended],
    tmp_path: Path,
    task: str,
    labels: list[str],
    metric: str,
    score_kind: str,
) -> None:
    table = write_table(tmp_path / "pictures", labels, pairs=8)
    share = 0.4 if task == "multiclass" else 0.2  # sets need nine groups
    recipe = write_training(tmp_path / "train.yaml", table, task=task, epochs=6, validation=share)
    assert command("train", recipe, "-o", tmp_path / "mine").code == 0
    card = read_card(tmp_path / "mine")
    assert (card.task, card.score_kind) == (task, score_kind)
    figure = card.metrics[metric]
    assert figure["value"] > 0.9
    assert figure["low"] <= figure["value"] <= figure["high"]
    measured_on, of_sets = card.metrics["measured_on"], "set_coverage" in card.metrics
    assert "never trained on" in measured_on
    assert ("sets of 0.9 coverage" in measured_on) == of_sets == (task == "multiclass")
    page = (tmp_path / "mine/evaluation.html").read_text()
    assert '<span class="code">' not in page, "a label without a title is named once"

    run = write_recipe(tmp_path / "run.yaml", tmp_path / "mine", preprocess=list(card.preprocess))
    ended = command("run", run, tmp_path / "pictures", "-o", tmp_path / "out")
    assert (ended.code, "warning" in ended.err) == (0, False)
    answers = {row["item"]: row["predicted"] for row in rows(tmp_path / "out" / "predictions.csv")}
    truth = {row["path"]: row["label"] for row in rows(table)}
    agree = [set(answers[name].split("|")) == set(truth[name].split("|")) for name in truth]
    assert np.mean(agree) > 0.8


def test_the_card_records_how_the_weights_were_made(tmp_path: Path, table: Path) -> None:
    labels = {name: {"title": name.title(), "codes": {"RAL": "1"}} for name in COLOURS}
    recipe = write_training(
        tmp_path / "t.yaml", table, epochs=1, labels=labels, title="Colours", licence="CC0-1.0"
    )
    written = train(recipe, tmp_path / "mine")
    card = read_card(tmp_path / "mine")
    assert card == written
    assert card.names == ("red", "green", "blue")
    assert (card.labels[0].title, card.labels[0].codes) == ("Red", {"RAL": "1"})
    assert (card.title, card.licence, card.size) == ("Colours", "CC0-1.0", (16, 16))
    assert (card.read, card.preprocess) == ("auto", ({"resize": {"size": 16, "fit": "squash"}},))
    assert card.made["command"] == "a test"
    assert sum(card.data[split]["pictures"] for split in ("train", "validation", "test")) == 60


def test_the_recipe_beside_the_weights_says_how_they_were_trained_and_trains_them_again(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    private = {
        "input": ["photos/a.png"],
        "output": "/home/joe/mine",
        "report": [{"store": {"url": "https://joe:hunter2@pacs.example.org/x?sig=hunter2"}}],
    }
    written = write_training(tmp_path / "t.yaml", Path("pictures/table.csv"), epochs=1)
    written.write_text(json.dumps(json.loads(written.read_text()) | private))
    augment = "train.augment=[{RandFlip: {prob: 0.5}}]"
    first = train(written, tmp_path / "mine", "train.learning_rate=1e-3", augment)
    beside = tmp_path / "mine/recipe.yaml"
    text = beside.read_text()
    again = read_recipe(str(beside))
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()

    assert make_plan(again).digest == first.made["recipe_digest"]
    assert again.train is not None
    assert again.train.plain()["augment"] == [{"RandFlip": {"prob": 0.5}}]
    assert again.train.plain()["learning_rate"] == 1e-3
    assert "#   loss: cross-entropy\n" in text
    assert "#   ema: 0.0\n" in text
    assert str(tmp_path) not in text
    assert not any(secret in text for secret in ("photos", "joe", "hunter2"))
    assert again.report[0].plain() == {"store": {"url": "https://***@pacs.example.org/x"}}
    assert "recipe.yaml" in (tmp_path / "mine/training.html").read_text()
    assert train(beside, tmp_path / "other").digest == first.digest
    assert train(beside, tmp_path / "mine", "train.title=New").title == "New"
    assert "resumes after epoch 1 of 1" in capsys.readouterr().out


def test_torch_computes_on_the_share_of_cores_that_readers_leave(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diascope.training import train as module

    monkeypatch.setattr(module, "network_threads", lambda: 6)
    recipe = read_recipe(
        str(write_training(tmp_path / "t.yaml", table, epochs=1)), ["run.workers=1"]
    )
    seen: set[int] = set()
    module.train(
        recipe, tmp_path / "mine", lambda _: seen.add(torch.get_num_threads()), print, "a test"
    )

    assert seen == {5}


def test_no_group_is_in_two_splits(trained: Path) -> None:
    sides: dict[str, set[str]] = {}
    for row in rows(trained / "split.csv"):
        sides.setdefault(row["group"], set()).add(row["split"])
    assert len(sides) == 30
    assert {len(splits) for splits in sides.values()} == {1}
    assert set.union(*sides.values()) == {"train", "validation", "test"}


def test_a_recipe_without_a_train_part_is_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="has no `train:` section"):
        train(recipe, tmp_path / "mine")


def test_a_mistake_in_the_recipe_is_reported_before_anything_is_written(
    tmp_path: Path, table: Path
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epoch=3)
    with pytest.raises(RecipeError, match="unknown key 'epoch'"):
        train(recipe, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_pictures_that_cannot_be_used_are_named_before_anything_is_trained(
    tmp_path: Path,
) -> None:
    table = write_table(tmp_path / "data", ["red", "green"])
    (tmp_path / "data" / "0-03.png").write_text("no picture")
    with pytest.raises(TableError, match=r"1 picture cannot be read\n.*0-03\.png"):
        train(write_training(tmp_path / "t.yaml", table), tmp_path / "mine")
    left = {path.name for path in (tmp_path / "mine").iterdir()}
    assert left <= {".lock", "defects.csv"}


def test_colour_pictures_for_a_grey_network_are_refused_before_training(
    tmp_path: Path, table: Path
) -> None:
    grey = {"convnet": {"layers": LAYERS, "in_channels": 1}}
    recipe = write_training(tmp_path / "t.yaml", table, backbone=grey)
    with pytest.raises(TableError, match="60 pictures not of 1 channel"):
        train(recipe, tmp_path / "mine")


def test_a_column_without_numbers_among_the_tested_does_not_end_a_training(
    tmp_path: Path, table: Path
) -> None:
    header, *lines = with_splits(table).read_text().splitlines()
    rows = [f"{line},{'' if line.endswith(',test') else '40'}" for line in lines]
    table.write_text("\n".join([f"{header},age", *rows]))
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, by=["age:20"])
    assert set(train(recipe, tmp_path / "mine").subgroups) == {"age=not given"}


def test_a_binary_task_of_three_labels_is_refused_before_anything_is_trained(
    tmp_path: Path, table: Path
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, task="binary")
    with pytest.raises(RecipeError, match="a binary task has two labels"):
        train(recipe, tmp_path / "mine")


def test_training_ends_when_no_epoch_gets_better(tmp_path: Path, table: Path) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epochs=30, patience=2, learning_rate=1e-9)
    train(recipe, tmp_path / "mine")

    assert len(json.loads((tmp_path / "mine/history.json").read_text())) < 30


def test_the_card_records_the_start(tmp_path: Path, table: Path) -> None:
    first = train(write_training(tmp_path / "a.yaml", table, epochs=1), tmp_path / "first")
    start = {"file": str(tmp_path / "first")}
    card = train(write_training(tmp_path / "b.yaml", table, start=start), tmp_path / "second")

    assert card.made["start"]["digest"] == first.digest
    assert card.made["start"]["tensors"] == "7 of 7"


def test_a_start_that_does_not_fit_is_refused_before_the_pictures_are_read(
    tmp_path: Path, table: Path
) -> None:
    (table.parent / rows(table)[0]["path"]).write_bytes(b"no picture")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "w.pth")
    recipe = write_training(tmp_path / "t.yaml", table, start={"file": str(tmp_path / "w.pth")})

    with pytest.raises(WeightsError, match="fits 0 of 7"):
        train(recipe, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(("test", "optimistic"), [(0.0, True), (0.3, False)])
def test_figures_of_pictures_that_chose_the_epoch_say_so_wherever_they_stand(
    tmp_path: Path, table: Path, test: float, optimistic: bool
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, test=test)
    card = train(recipe, tmp_path / "mine")
    pages = [(tmp_path / "mine" / name).read_text() for name in ("metrics.json", "evaluation.html")]
    told = "validation also chose epoch, calibration and decisions: the metrics are optimistic"

    assert [told in each for each in (card.metrics["measured_on"], *pages)] == [optimistic] * 3


def test_a_column_split_without_validation_is_completed_and_a_line_says_so(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_splits(table)
    table.write_text(table.read_text().replace(",validation\n", ",train\n"))
    recipe = write_training(tmp_path / "t.yaml", table, epochs=1, folds=2)
    card = train(recipe, tmp_path / "mine")
    parts = {row["path"]: row["split"] for row in rows(tmp_path / "mine" / "split.csv")}
    held_out = [path for path, split in parts.items() if split == "validation"]
    groups = card.data["validation"]["groups"]
    told = f"the option `validation` holds {len(held_out)} pictures of {groups} groups out of train"
    assert [line for line in capsys.readouterr().out.splitlines() if told in line] != []
    assert {row["path"] for row in rows(table) if row["split"] == "test"} == {
        path for path, split in parts.items() if split == "test"
    }
    assert train(recipe, tmp_path / "mine").digest == card.digest
    assert "resumes after epoch 1 of 1" in capsys.readouterr().out


def test_a_validation_without_a_label_is_refused_with_the_groups_that_the_label_has(
    tmp_path: Path,
) -> None:
    table = with_splits(write_table(tmp_path / "pictures", ["green", "red"]))
    rare = [line for line in table.read_text().splitlines() if ",red,1-" not in line]
    rare += ["1-00.png,red,1-0,train", "1-02.png,red,1-1,train"]
    table.write_text("\n".join(rare) + "\n")
    told = "auc_macro cannot be computed: none has red \\(2 groups in all\\)\n"
    with pytest.raises(TableError, match=told):
        train(write_training(tmp_path / "t.yaml", table, task="binary"), tmp_path / "mine")
