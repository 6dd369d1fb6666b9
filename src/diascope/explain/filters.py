"""The first layer: its filters as pictures, sorted by how much they tell places apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from diascope.explain.call_trace import Call
from diascope.explain.feature_maps import Channel, most_varied


@dataclass(frozen=True, eq=False)
class Filter:
    """One filter of a convolution.

    Attributes:
        picture: ``(kh, kw, 3)`` uint8; mid-grey is 0, and the filter's largest number, positive or
            negative, is black or white in its channel.
        response: where it fires on the picture, and how strongly.
    """

    picture: NDArray[np.uint8]
    response: Channel


def first_convolution(calls: Sequence[Call]) -> Call | None:
    """Return the first convolution that a network calls."""
    return next((call for call in calls if isinstance(call.module, nn.Conv2d)), None)


def fired(convolution: Call, maps: NDArray[np.float32]) -> tuple[Filter, ...]:
    """Return all filters of a convolution, that whose answers differ most between places first.

    Args:
        maps: ``(F, h, w)``, what the filters gave, after normalisation and nonlinearity.
    """
    weight = convolution.module.get_parameter("weight").detach().float().cpu()
    return tuple(
        Filter(filter_picture(weight[channel.index]), channel)
        for channel in most_varied(maps, len(maps))
    )


def filter_picture(weight: Tensor) -> NDArray[np.uint8]:
    """Return ``(C, kh, kw)`` as a picture: colours if C is 3, else the mean of the channels."""
    numbers = weight.numpy() if len(weight) == 3 else weight.mean(0, keepdim=True).numpy()
    reach = float(np.abs(numbers).max()) or 1.0
    grey = np.rint((numbers / reach + 1) * 127.5).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(np.moveaxis(grey, 0, 2), (*grey.shape[1:], 3)))
