"""ResNet-50, from MONAI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import ImageNetBackbone

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ResNet50(ImageNetBackbone):
    """He et al. 2016, "Deep Residual Learning"; stride 32, 2048 features.

    Args:
        in_channels: channels of the input.
    """

    features: ClassVar = 2048

    def build(self) -> "nn.Module":
        from monai.networks.nets import resnet50

        from diascope.backbones.monai_resnet import features_of

        return features_of(resnet50, self.in_channels)
