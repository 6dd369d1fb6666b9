"""DenseNet-121, from MONAI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import mean_of, std_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class DenseNet121:
    """Huang et al. 2017, "Densely Connected Convolutional Networks"; stride 32, 1024 features.

    Args:
        in_channels: channels of the input.
    """

    in_channels: int = 3
    api: ClassVar = (1, 0)
    features: ClassVar = 1024

    mean = property(mean_of)
    std = property(std_of)

    def build(self) -> "nn.Module":
        from monai.networks.nets import DenseNet121 as MonaiDenseNet121
        from torch import nn

        network = MonaiDenseNet121(spatial_dims=2, in_channels=self.in_channels, out_channels=1)
        return nn.Sequential(network.features, nn.ReLU())
