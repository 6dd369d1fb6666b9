"""What backbones share that take pictures as networks in torch style do."""

from dataclasses import dataclass
from typing import ClassVar

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageNetBackbone:
    """Normalises as computed on ImageNet; other than three channels, to 0.5 and 0.25."""

    in_channels: int = 3
    api: ClassVar = (1, 0)

    @property
    def mean(self) -> tuple[float, ...]:
        return _MEAN if self.in_channels == 3 else (0.5,) * self.in_channels

    @property
    def std(self) -> tuple[float, ...]:
        return _STD if self.in_channels == 3 else (0.25,) * self.in_channels
