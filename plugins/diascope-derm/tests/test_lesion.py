"""The shipped model: its card, checked on lesions that it never saw."""

import csv
from pathlib import Path

import numpy as np
import pytest

from diascope.document import read_document
from diascope.evaluation.metrics import macro_auc
from diascope.executors.local import LocalExecutor
from diascope.pipeline import compose
from diascope.plugins import recipe_path
from diascope.recipe import read_recipe
from diascope.sample import Item, Prediction
from diascope.table import read_table
from diascope.training.options import train_options
from diascope.training.split import split_by_group
from diascope_derm.lesion import WEIGHTS, DermLesion

TABLE = Path(__file__).parents[4] / "shared/data/derm/ham10000/labels.csv"
TAKEN = 500


def test_every_label_has_a_title_and_a_snomed_code() -> None:
    labels = DermLesion().card.labels
    assert [label.name for label in labels] == ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    assert all(label.title and label.codes["SCT"].isdigit() for label in labels)


def test_the_weights_were_written_by_the_shipped_training_recipe() -> None:
    card = DermLesion().card
    assert card.made["command"].startswith("pipeline train derm-train.yaml")
    written = read_document(recipe_path("derm-train")).plain()
    assert list(card.preprocess) == written["preprocess"]
    assert card.backbone in written["train"]["backbone"]


def test_derm_yaml_prepares_pictures_as_in_training() -> None:
    assert compose(read_recipe("derm.yaml")).warnings == ()


def test_the_weights_file_stays_below_ten_megabytes() -> None:
    assert (WEIGHTS / "model.safetensors").stat().st_size < 10_000_000


def test_the_macro_auc_on_unseen_lesions_is_what_the_card_says() -> None:
    if not TABLE.is_file():
        pytest.skip("needs ../shared/data")
    options, _ = train_options(read_recipe("derm-train.yaml", [f"train.table={TABLE}"]))
    split = split_by_group(
        read_table(TABLE, "multiclass"),
        test=options.test,
        validation=options.validation,
        seed=options.seed,
    )
    unseen = [example for example in split if example.split == "test"]
    assert len(unseen) == DermLesion().card.data["test"]["pictures"]
    rare = [example for example in unseen if example.labels != {"nv"}]
    chosen = rare[: TAKEN // 2] + [example for example in unseen if example.labels == {"nv"}]
    chosen = chosen[:TAKEN]
    pipeline = compose(read_recipe("derm.yaml", ["run.evidence=none", "run.workers=0"]))
    items = [Item(example.name, str(example.path)) for example in chosen]
    chunks = [items[start : start + 32] for start in range(0, len(items), 32)]
    records = [r for chunk in LocalExecutor().run(pipeline, chunks) for r in chunk]
    assert all(isinstance(record, Prediction) for record in records)
    names = DermLesion().card.names
    scores = np.array([list(record.scores.values()) for record in records])
    targets = np.array([example.vector(names, "multiclass") for example in chosen])
    assert macro_auc(targets, scores) >= 0.93


def test_split_csv_names_the_pictures_and_groups_that_the_card_counts() -> None:
    with (WEIGHTS / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for split in ("train", "validation", "test"):
        groups = [row["group"] for row in rows if row["split"] == split]
        counts = DermLesion().card.data[split]
        assert (len(groups), len(set(groups))) == (counts["pictures"], counts["groups"])
    assert len({(row["group"], row["path"]) for row in rows}) == len(rows)
