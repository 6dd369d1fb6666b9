"""Normalisation that networks in torch style expect of pictures, computed on ImageNet."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def mean_for(in_channels: int) -> tuple[float, ...]:
    """Return ImageNet's mean for RGB, and 0.5 for any other number of channels."""
    return MEAN if in_channels == 3 else (0.5,) * in_channels


def std_for(in_channels: int) -> tuple[float, ...]:
    """Return ImageNet's standard deviation for RGB, and 0.25 for any other number of channels."""
    return STD if in_channels == 3 else (0.25,) * in_channels
