"""Compare features of other projects' networks with ours after loading their weights files.

    python -m venv peers && peers/bin/pip install -e .[train] torchvision torchxrayvision timm
    peers/bin/python benchmarks/transfer.py

Use a separate environment: torchvision brings another torch (6 GB). Each network is built by its
own project, with random weights and running statistics, and ours is read from the file that a
training with `freeze_backbone` writes. Prints the largest difference of features of random pixels,
as a fraction of their standard deviation, or the refusal. With torch 2.13.0, torchvision 0.29.1,
torchxrayvision 1.5.7, timm 1.0.31 and MONAI 1.6.1 it printed 0 for all under "alike", and 2, 5 and
6 for those under "not alike": their names and shapes fit, but they compute something else.
"""

import tempfile
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
import torchxrayvision
from monai.bundle import init_bundle
from monai.networks import nets
from safetensors.torch import load, save, save_file
from torch import nn

from diascope.backbones.densenet121 import DenseNet121
from diascope.backbones.efficientnet_b0 import EfficientNetB0
from diascope.backbones.resnet import ResNet18, ResNet50
from diascope.errors import WeightsError
from diascope.network import LinearHead, Network
from diascope.training.artifacts import round_weights
from diascope.training.start import Start
from diascope.training.transfer import start_from

TIMM = {"conv_pw.": "expand_conv.", "bn1.": "bn0.", "conv_dw.": "depthwise_conv.", "bn2.": "bn1."}
TIMM |= {"se.conv_reduce.": "se_reduce.", "se.conv_expand.": "se_expand."}
TIMM |= {"conv_pwl.": "project_conv.", "bn3.": "bn2."}
FIRST = {**TIMM, "conv_pw.": "project_conv.", "bn1.": "bn1.", "bn2.": "bn2."}


def main() -> None:
    torch.manual_seed(0)
    models, xray = torchvision.models, torchxrayvision.models.DenseNet(weights=None)
    dense, wide, monai = models.densenet121(), models.resnet50(), nets.DenseNet121(2, 3, 4)
    print("alike")
    compare("torchvision densenet121", dense, with_relu(dense), DenseNet121())
    compare("torchvision resnet18", net := models.resnet18(), resnet_body(net), ResNet18())
    compare("torchvision resnet50", wide, resnet_body(wide), ResNet50())
    compare("  behind DataParallel", nn.DataParallel(wide), resnet_body(wide), ResNet50())
    xrv = {"mean": 0.5, "std": 0.00048828125, "normalise": in_1024}
    compare("torchxrayvision DenseNet", xray, with_relu(xray), DenseNet121(in_channels=1), **xrv)
    compare_timm("densenet121", DenseNet121())
    compare_timm("resnet50", ResNet50())
    compare_timm("tf_efficientnet_b0", EfficientNetB0())
    compare("MONAI bundle", monai, with_relu(monai), DenseNet121(), write=save_bundle)
    unit = {"mean": 0, "std": 1, "normalise": lambda pixels: pixels}
    compare("  of pixels in [0, 1]", monai, with_relu(monai), DenseNet121(), **unit)
    print("refused")
    for name in ("resnet101", "resnet50d", "seresnet50", "resnet50_gn", "wide_resnet50_2"):
        compare_timm(name, ResNet50())
    print("not alike")
    compare_timm("resnetblur50", ResNet50())
    compare_timm("efficientnet_b0", EfficientNetB0())
    compare("densenet121 without last ReLU", dense, dense.features, DenseNet121())


def compare_timm(name: str, ours: Any) -> None:
    net = timm.create_model(name)
    paired = timm_keys(net) if "efficientnet" in name else {}
    compare(f"timm {name}", net, net.forward_features, ours, write=save_as_safetensors, keys=paired)


def compare(name: str, net: nn.Module, features: Any, ours: Any, **how: Any) -> None:
    """Write a network's file, load it into ours, and print how far their features differ."""
    for norm in (part for part in net.modules() if isinstance(part, nn.BatchNorm2d)):
        for tensor, least in ((norm.weight, 0.5), (norm.running_var, 0.5), (norm.bias, -0.5)):
            nn.init.uniform_(tensor, least, least + 1)
        nn.init.uniform_(norm.running_mean, -0.5, 0.5)
    backbone, pixels = ours.build().eval(), torch.rand(2, ours.in_channels, 96, 160)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        file = Path(folder) / "w.pth"
        torch.save(net.eval().state_dict(), file)
        file = how.pop("write", lambda *_: file)(net, file)
        normalise, start = how.pop("normalise", None), Start(file, **how)
        mean, std = start.normalisation(ours)
        batch = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        try:
            matched = start_from(backbone, start, type(ours).__name__, mean, std)
        except WeightsError as refused:
            print(f"  {name:32}", str(refused).partition(": ")[2].partition("\n")[0])
            return
        expected = features(normalise(pixels) if normalise else batch)
        apart = float((stored(backbone, ours)(batch) - expected).abs().max() / expected.std())
    print(f"  {name:32} {matched.matched} of {matched.total} tensors, {apart:.1g} apart")


def stored(backbone: nn.Module, ours: Any) -> nn.Module:
    """Return the backbone as a training with `freeze_backbone` stores it."""
    written, read = (Network(each, LinearHead(1, 1)) for each in (backbone, ours.build()))
    read.load_state_dict(load(save(round_weights(written, head_only=False, frozen=True))))
    return read.backbone.eval()


def in_1024(pixels: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(torchxrayvision.utils.normalize(pixels.numpy(), 1))


def with_relu(net: Any) -> nn.Module:
    return nn.Sequential(net.features, nn.ReLU())


def resnet_body(net: Any) -> nn.Module:
    return nn.Sequential(*list(net.children())[:8])


def save_as_safetensors(net: nn.Module, file: Path) -> Path:
    save_file(net.state_dict(), file.with_suffix(".safetensors"))
    return file.with_suffix(".safetensors")


def save_bundle(net: nn.Module, file: Path) -> Path:
    init_bundle(str(file.parent / "bundle"), network=net)
    return file.parent / "bundle"


def timm_keys(net: Any) -> dict[str, str]:
    """Return the `start: {keys: ...}` for an EfficientNet of timm."""
    found = {"conv_stem.": "stem.", "bn1.": "stem_norm.", "conv_head.": "head."}
    places = [(i, j) for i, stage in enumerate(net.blocks) for j in range(len(stage))]
    for number, (i, j) in enumerate(places):
        for theirs, name in (TIMM if i else FIRST).items():
            found[f"blocks.{i}.{j}.{theirs}"] = f"blocks.{number}.{name}"
    return found | {"bn2.": "head_norm."}


if __name__ == "__main__":
    main()
