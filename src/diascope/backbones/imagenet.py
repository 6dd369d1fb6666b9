"""The usual normalisation of PyTorch networks, computed on ImageNet.

Backbones use these functions as properties: ``mean = property(mean_of)``.
"""

from diascope.contracts import Backbone

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def mean_of(backbone: Backbone) -> tuple[float, ...]:
    """Return ImageNet's mean for three channels, and 0.5 for any other number."""
    return _MEAN if backbone.in_channels == 3 else (0.5,) * backbone.in_channels


def std_of(backbone: Backbone) -> tuple[float, ...]:
    """Return ImageNet's standard deviation for three channels, and 0.25 for any other number."""
    return _STD if backbone.in_channels == 3 else (0.25,) * backbone.in_channels
