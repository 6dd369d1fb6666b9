"""ResNet-18, from MONAI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import ImageNetBackbone

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ResNet18(ImageNetBackbone):
    """He et al. 2016, "Deep Residual Learning"; stride 32, 512 features.

    Args:
        in_channels: channels of the input.
    """

    features: ClassVar = 512

    def build(self) -> "nn.Module":
        from monai.networks.nets import resnet18

        from diascope.backbones.monai_resnet import features_of

        return features_of(resnet18, self.in_channels)
