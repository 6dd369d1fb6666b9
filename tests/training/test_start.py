"""The pixels that `start:` states become those of the card, in training and in a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import diascope
from diascope.backbones.convnet import Conv, ConvNet, Layer
from diascope.card import read_card, write_card
from diascope.errors import RecipeError, WeightsError
from diascope.network import load_network
from diascope.plugin_creation import make_backbone
from diascope.training.start import Start
from tests.refusals import refused
from tests.runs import write_recipe
from tests.training.other_projects import saved
from tests.training.trainings import LAYERS, train, write_table, write_training

GREY = ConvNet((Layer(conv=Conv(4)),), in_channels=1)
COLOUR = ConvNet((Layer(conv=Conv(4)),))


@pytest.mark.parametrize(
    ("stated", "mean", "std"),
    [
        ({"mean": 0, "std": 1}, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ({"mean": (0.1, 0.2, 0.3), "std": 0.5}, (0.1, 0.2, 0.3), (0.5, 0.5, 0.5)),
        ({}, COLOUR.mean, COLOUR.std),
    ],
)
def test_one_number_counts_for_all_channels_and_none_for_the_backbone_s_own(
    stated: dict[str, Any], mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    assert Start(Path("w.pth"), **stated).normalisation(COLOUR) == (mean, std)


@pytest.mark.parametrize("by", ["folder", "file"])
def test_weights_of_ours_bring_the_pixels_of_their_card(tiny_weights: Path, by: str) -> None:
    file = tiny_weights if by == "folder" else tiny_weights / "model.safetensors"
    card = replace(read_card(tiny_weights), mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))
    write_card(card, tiny_weights)

    assert Start(file).normalisation(COLOUR) == (card.mean, card.std)
    assert Start(file, mean=0.0, std=1.0).normalisation(COLOUR)[0] == (0.0, 0.0, 0.0)
    assert Start(file).normalisation(GREY) == (GREY.mean, GREY.std)
    write_card(replace(card, mean=(0.0,) * 3, std=(1.0,) * 3), tiny_weights)
    assert Start(file).normalisation(GREY) == ((0.0,), (1.0,))


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"mean": 0.5}, "mean and std belong together: state both, or neither"),
        ({"mean": 0, "std": 0}, "std must be a finite number above 0 or "),
        ({"mean": float("nan"), "std": 1}, "mean must be a finite number or a list"),
    ],
)
def test_pixels_that_make_no_sense_are_refused(stated: dict[str, Any], said: str) -> None:
    assert said in refused(Start, {"file": "w.pth", **stated})


@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_a_frozen_backbone_sees_the_pixels_that_start_states_in_training_and_in_a_run(
    tmp_path: Path,
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    table = write_table(tmp_path / "pictures", ["red", "green"], pairs=4)
    backbone = make_backbone("convnet", {"layers": LAYERS})
    torch.manual_seed(7)
    theirs = backbone.build().eval()
    file = str(saved(tmp_path / "w.pth", theirs.state_dict()))

    def recipe(**pixels: Any) -> Path:
        start, path = {"file": file, **pixels}, tmp_path / "t.yaml"
        return write_training(
            path, table, epochs=1, task="binary", start=start, freeze_backbone=True
        )

    card = train(recipe(mean=0, std=1), tmp_path / "mine")
    ours = load_network(card, tmp_path / "mine", backbone, "cpu")
    run = write_recipe(tmp_path / "run.yaml", tmp_path / "mine", preprocess=list(card.preprocess))
    answers = list(diascope.classify(diascope.open_pipeline(run), str(tmp_path / "pictures/*.png")))

    assert (card.mean, card.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert len(answers) == 16
    for answer in answers:
        assert isinstance(answer, diascope.Prediction)
        assert answer.preview is not None
        unit = torch.from_numpy(answer.preview / 255).float().movedim(2, 0)[None]
        with torch.inference_mode():
            logit = float(ours.head(theirs(unit)))
        assert answer.evidence[0].logit == pytest.approx(logit, abs=1e-5)
    stored = ours.backbone.state_dict()
    assert all(torch.equal(stored[name], value) for name, value in theirs.state_dict().items())

    with pytest.raises(WeightsError, match="another training, which differs in mean and std\n"):
        train(recipe(mean=0, std=0.5), tmp_path / "mine")
    with pytest.raises(RecipeError, match="mean has 2 numbers, but the backbone takes 3 channels"):
        train(recipe(mean=[0.1, 0.2], std=1), tmp_path / "wrong")
