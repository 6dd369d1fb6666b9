"""EfficientNet-B0, from MONAI."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.imagenet import mean_of, std_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class EfficientNetB0:
    """Tan and Le 2019, "EfficientNet"; stride 32, 1280 features.

    Args:
        in_channels: channels of the input.
    """

    in_channels: int = 3
    api: ClassVar = (1, 0)
    features: ClassVar = 1280

    mean = property(mean_of)
    std = property(std_of)

    def build(self) -> "nn.Module":
        from collections import OrderedDict

        from monai.networks.nets import EfficientNetBN
        from torch import nn

        network = EfficientNetBN(
            "efficientnet-b0", pretrained=False, in_channels=self.in_channels, num_classes=1
        )
        parts = OrderedDict(
            stem_padding=network._conv_stem_padding,
            stem=network._conv_stem,
            stem_norm=network._bn0,
            stem_activation=nn.SiLU(),
            blocks=network._blocks,
            head_padding=network._conv_head_padding,
            head=network._conv_head,
            head_norm=network._bn1,
            head_activation=nn.SiLU(),
        )
        return nn.Sequential(parts)
