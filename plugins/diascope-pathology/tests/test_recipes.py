"""The package's recipes and models."""

import csv
from pathlib import Path

import pytest

from diascope.document import read_document
from diascope.errors import WeightsError
from diascope.pipeline import compose
from diascope.plugins import recipe_path
from diascope.recipe import read_recipe
from diascope.testing import check_backbone
from diascope.training.augment import AugmentationChain
from diascope.training.options import train_options
from diascope_pathology import lite0
from diascope_pathology.colon import ColonTissue
from diascope_pathology.lite0 import PathologyLite0
from diascope_pathology.lung import LungTissue

TRAININGS = ("pathology-train", "colon-train", "lung-train")
MODELS = {"colon": ColonTissue(), "lung": LungTissue()}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_recipe_holds_together(name: str) -> None:
    options, _ = train_options(read_recipe(name))

    AugmentationChain(options.augment, name)
    assert all(text.title and text.codes["SCT"].isdigit() for text in options.labels.values())


def test_all_trainings_see_the_same_augmentation() -> None:
    written = [read_document(recipe_path(name)).plain()["train"]["augment"] for name in TRAININGS]

    assert written[0] == written[1] == written[2]


def test_the_backbone_keeps_the_contract_of_backbones() -> None:
    check_backbone(PathologyLite0())


def test_a_missing_backbone_is_reported_with_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lite0, "WEIGHTS", tmp_path / "gone.safetensors")

    with pytest.raises(WeightsError) as caught:
        PathologyLite0().build()
    assert caught.value.where == str(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("organ", MODELS)
def test_a_model_was_written_by_its_shipped_recipe_and_holds_only_a_head(organ: str) -> None:
    card = MODELS[organ].card
    written = read_document(recipe_path(f"{organ}-train")).plain()

    assert card.made["command"].startswith(f"pipeline train {organ}-train.yaml")
    assert list(card.preprocess) == written["preprocess"]
    assert list(card.names) == list(written["train"]["labels"])
    assert card.backbone == "pathology-lite0"
    assert (MODELS[organ].weights / "model.safetensors").stat().st_size < 2_000_000


def test_both_models_stand_on_the_package_s_backbone() -> None:
    from diascope.network import state_digest

    digests = {model.card.backbone_digest for model in MODELS.values()}

    assert digests == {state_digest(PathologyLite0().build())}


@pytest.mark.parametrize("organ", MODELS)
def test_pathology_yaml_prepares_pictures_as_in_training(organ: str) -> None:
    assert compose(read_recipe("pathology", [f"model={organ}-tissue"])).warnings == ()


@pytest.mark.parametrize("organ", MODELS)
def test_split_csv_names_the_pictures_and_groups_that_the_card_counts(organ: str) -> None:
    with (MODELS[organ].weights / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for split in ("train", "validation", "test"):
        groups = [row["group"] for row in rows if row["split"] == split]
        counts = MODELS[organ].card.data[split]
        assert (len(groups), len(set(groups))) == (counts["pictures"], counts["groups"])
    assert len({(row["group"], row["path"]) for row in rows}) == len(rows)
