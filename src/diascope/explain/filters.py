"""The filters of the first layer as pictures, sorted by how much their responses vary."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from diascope.explain.call_trace import Call
from diascope.explain.feature_maps import Channel, most_varied_channels


@dataclass(frozen=True, eq=False)
class Filter:
    """One filter of a convolution.

    Attributes:
        picture: ``(kh, kw, 3)`` uint8; mid-grey is 0, and the weight of the largest magnitude is
            black or white in its channel.
        response: its response map for the picture.
    """

    picture: NDArray[np.uint8]
    response: Channel


def first_convolution(calls: Sequence[Call]) -> Call | None:
    """Return the first convolution that a network calls."""
    return next((call for call in calls if isinstance(call.module, nn.Conv2d)), None)


def filter_responses(convolution: Call, maps: NDArray[np.float32]) -> tuple[Filter, ...]:
    """Return all filters of a convolution, those whose responses vary most first.

    Args:
        maps: ``(F, h, w)``, the responses after normalisation and nonlinearity.
    """
    weight = convolution.module.get_parameter("weight").detach().float().cpu()
    return tuple(
        Filter(filter_picture(weight[channel.index]), channel)
        for channel in most_varied_channels(maps, len(maps))
    )


def filter_picture(weight: Tensor) -> NDArray[np.uint8]:
    """Return weights ``(C, kh, kw)`` as a picture: in colour if C is 3, else their mean in grey."""
    numbers = weight.numpy() if len(weight) == 3 else weight.mean(0, keepdim=True).numpy()
    reach = float(np.abs(numbers).max()) or 1.0
    grey = np.rint((numbers / reach + 1) * 127.5).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(np.moveaxis(grey, 0, 2), (*grey.shape[1:], 3)))
