"""The package's recipes and models."""

from pathlib import Path

import pytest

from diascope.card import CARD_FILE
from diascope.document import read_document
from diascope.errors import WeightsError
from diascope.pipeline import compose
from diascope.plugins import find_plugins, recipe_path
from diascope.recipe import read_recipe
from diascope.testing import check_backbone
from diascope.training.augment import Augmentation
from diascope.training.options import train_options
from diascope_pathology import lite0
from diascope_pathology.colon import ColonTissue
from diascope_pathology.lite0 import PathologyLite0
from diascope_pathology.lung import LungTissue

TRAININGS = ("pathology-train", "colon-train", "lung-train")
MODELS = {"colon": ColonTissue(), "lung": LungTissue()}
HAS_SLIDES = any(plugin.name == "slide" for plugin in find_plugins() if plugin.kind == "reader")
needs_backbone = pytest.mark.skipif(not lite0.WEIGHTS.is_file(), reason="needs the backbone")


def trained(organ: str) -> None:
    """Skip the test if the model has no weights."""
    if not (MODELS[organ].weights / CARD_FILE).is_file():
        pytest.skip(f"needs the weights of {organ}-tissue")


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_recipe_holds_together(name: str) -> None:
    options, _ = train_options(read_recipe(name))

    Augmentation(options.augment, name)
    assert all(text.title and text.codes["SCT"].isdigit() for text in options.labels.values())


def test_all_trainings_see_the_same_augmentation() -> None:
    written = [read_document(recipe_path(name)).plain()["train"]["augment"] for name in TRAININGS]

    assert written[0] == written[1] == written[2]


@needs_backbone
def test_the_backbone_keeps_the_contract_of_backbones() -> None:
    check_backbone(PathologyLite0())


def test_a_missing_backbone_is_told_with_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lite0, "WEIGHTS", tmp_path / "gone.safetensors")

    with pytest.raises(WeightsError) as caught:
        PathologyLite0().build()
    assert caught.value.where == str(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("organ", MODELS)
def test_a_model_was_written_by_its_shipped_recipe_and_holds_only_a_head(organ: str) -> None:
    trained(organ)
    card = MODELS[organ].card
    written = read_document(recipe_path(f"{organ}-train")).plain()

    assert card.made["command"].startswith(f"pipeline train {organ}-train.yaml")
    assert list(card.preprocess) == written["preprocess"]
    assert list(card.names) == list(written["train"]["labels"])
    assert card.backbone == "pathology-lite0"
    assert (MODELS[organ].weights / "model.safetensors").stat().st_size < 2_000_000


@pytest.mark.parametrize("organ", MODELS)
def test_a_card_says_of_which_coverage_its_prediction_sets_were(organ: str) -> None:
    trained(organ)

    assert MODELS[organ].card.metrics["measured_on"].endswith("; sets of 0.9 coverage")


@needs_backbone
def test_both_models_stand_on_the_package_s_backbone() -> None:
    from diascope.network import state_digest

    for organ in MODELS:
        trained(organ)
    digests = {model.card.backbone_digest for model in MODELS.values()}

    assert digests == {state_digest(PathologyLite0().build())}


@pytest.mark.parametrize("organ", MODELS)
@pytest.mark.skipif(not HAS_SLIDES, reason="needs diascope-slides")
def test_pathology_yaml_prepares_pictures_as_in_training(organ: str) -> None:
    trained(organ)

    assert compose(read_recipe("pathology", [f"model={organ}-tissue"])).warnings == ()
