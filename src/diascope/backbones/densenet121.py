"""DenseNet-121, from MONAI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import ImageNetBackbone

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class DenseNet121(ImageNetBackbone):
    """Huang et al. 2017, "Densely Connected Convolutional Networks"; stride 32, 1024 features.

    Args:
        in_channels: channels of the input.
    """

    features: ClassVar = 1024

    def build(self) -> "nn.Module":
        from monai.networks.nets import DenseNet121 as MonaiDenseNet121
        from torch import nn

        whole = MonaiDenseNet121(spatial_dims=2, in_channels=self.in_channels, out_channels=1)
        return nn.Sequential(whole.features, nn.ReLU())
