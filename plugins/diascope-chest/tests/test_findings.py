"""The shipped model: its card, checked on patients that it never saw."""

import csv

from diascope.document import read_document
from diascope.pipeline import compose
from diascope.plugins import recipe_path
from diascope.recipe import read_recipe
from diascope_chest.findings import WEIGHTS, ChestFindings

FINDINGS = ("pneumonia", "infiltration", "atelectasis", "effusion", "edema", "no-finding")


def test_every_finding_has_a_code_and_an_operating_point_of_its_own() -> None:
    labels = ChestFindings().card.labels

    assert tuple(label.name for label in labels) == FINDINGS
    assert all(label.title and label.codes["SCT"].isdigit() for label in labels)
    assert all(label.operating_point for label in labels)


def test_the_weights_were_written_by_the_shipped_training_recipe() -> None:
    card = ChestFindings().card
    written = read_document(recipe_path("chest-train")).plain()

    assert card.made["command"].startswith("pipeline train chest-train.yaml")
    assert list(card.preprocess) == written["preprocess"]


def test_chest_yaml_prepares_pictures_as_in_training() -> None:
    assert compose(read_recipe("chest.yaml")).warnings == ()


def test_the_card_measures_children_adults_and_both_views() -> None:
    names = set(ChestFindings().card.subgroups)

    assert {"source=children", "source=adults", "view=PA", "view=AP"} <= names


def test_the_weights_file_stays_below_ten_megabytes() -> None:
    assert (WEIGHTS / "model.safetensors").stat().st_size < 10_000_000


def test_split_csv_names_the_pictures_and_groups_that_the_card_counts() -> None:
    with (WEIGHTS / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for split in ("train", "validation", "test"):
        groups = [row["group"] for row in rows if row["split"] == split]
        counts = ChestFindings().card.data[split]
        assert (len(groups), len(set(groups))) == (counts["pictures"], counts["groups"])
    assert len({(row["group"], row["path"]) for row in rows}) == len(rows)
