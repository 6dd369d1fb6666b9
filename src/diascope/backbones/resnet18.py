"""ResNet-18, from MONAI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import mean_of, std_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ResNet18:
    """He et al. 2016, "Deep Residual Learning"; stride 32, 512 features.

    Args:
        in_channels: channels of the input.
    """

    in_channels: int = 3
    api: ClassVar = (1, 0)
    features: ClassVar = 512

    mean = property(mean_of)
    std = property(std_of)

    def build(self) -> "nn.Module":
        from monai.networks.nets import resnet18

        from diascope.backbones.monai_resnet import build_features

        return build_features(resnet18, self.in_channels)
