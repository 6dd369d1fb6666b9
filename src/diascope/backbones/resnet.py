"""ResNet-18 and ResNet-50, from MONAI."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import mean_of, std_of

if TYPE_CHECKING:
    from torch import nn

_PARTS = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")


@dataclass(frozen=True)
class ResNet18:
    """He et al. 2016, "Deep Residual Learning"; stride 32, 512 features.

    Args:
        in_channels: channels of the input.
    """

    in_channels: int = 3
    api: ClassVar = (1, 0)
    features: ClassVar = 512
    monai_name: ClassVar = "resnet18"

    mean = property(mean_of)
    std = property(std_of)

    def build(self) -> "nn.Module":
        from monai.networks import nets
        from torch import nn

        network = getattr(nets, self.monai_name)(
            spatial_dims=2,
            n_input_channels=self.in_channels,
            conv1_t_stride=2,  # MONAI's default of 1 takes four times the work of the paper's
            bias_downsample=False,
            feed_forward=False,
        )
        return nn.Sequential(OrderedDict((part, getattr(network, part)) for part in _PARTS))


@dataclass(frozen=True)
class ResNet50(ResNet18):
    """He et al. 2016, "Deep Residual Learning"; stride 32, 2048 features.

    Args:
        in_channels: channels of the input.
    """

    features: ClassVar = 2048
    monai_name: ClassVar = "resnet50"
