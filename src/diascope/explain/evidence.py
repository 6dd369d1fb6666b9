"""Which part of the picture speaks for or against a label, by several methods, each with its claim.

``exact`` is arithmetic: the map's numbers add up to the logit less the bias. The others are
estimates by gradients; what they claim, if anything, is measured and shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diascope.errors import refuse_missing
from diascope.explain.convolution import numbers
from diascope.network import Network

FeatureMethod = Literal["exact", "hirescam", "grad-cam", "grad-cam++"]
Method = FeatureMethod | Literal["integrated-gradients"]
TOLERANCE = 1e-4
_STEPS = 32


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map of what speaks for (above 0) and against (below 0) an output.

    Attributes:
        map: ``(h, w)`` float32.
        logit: the network's own.
        due: what the map must add up to by its method; None if the method claims no such thing.
    """

    method: Method
    map: NDArray[np.float32]
    logit: float
    due: float | None

    @property
    def sum(self) -> float:
        return float(self.map.sum(dtype="float64"))

    @property
    def residual(self) -> float | None:
        """How far the sum lies from what is due, relative to the sizes of what was added."""
        if self.due is None:
            return None
        size = float(np.abs(self.map).sum(dtype="float64")) + abs(self.logit - self.due)
        return abs(self.sum - self.due) / max(size, abs(self.due), 1e-12)

    @property
    def adds_up(self) -> bool:
        """Whether the sum is what is due, to float32 precision."""
        return self.residual is not None and self.residual < TOLERANCE


def attribute(
    network: Network, features: Tensor, output: int, method: FeatureMethod
) -> Attribution:
    """Return the map of one output from the features ``(1, F, h, w)`` of the backbone."""
    if method == "exact":
        return _exact(network, features, output)
    makers: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "hirescam": _hirescam,
        "grad-cam": _grad_cam,
        "grad-cam++": _grad_cam_plus_plus,
    }
    features = features.detach().clone().requires_grad_()
    with torch.enable_grad():
        logit = network.head(features)[0, output]
        (gradient,) = torch.autograd.grad(logit, features)
    cells = makers[method](features.detach()[0], gradient[0])
    return Attribution(method, numbers(cells), float(logit.detach()), None)


def _exact(network: Network, features: Tensor, output: int) -> Attribution:
    """What each cell adds to the logit: Zhou et al. 2016, divided by the number of cells."""
    with torch.no_grad():
        logit = float(network.head(features)[0, output])
        cells = network.head.maps(features)[0, output]
        bias = float(network.head.bias[output])
    return Attribution("exact", numbers(cells), logit, logit - bias)


def _hirescam(features: Tensor, gradient: Tensor) -> Tensor:
    """Draelos and Carin 2020: gradient times activation, added up over the channels."""
    return (features * gradient).sum(0)


def _grad_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """Selvaraju et al. 2017: channels weighted by their mean gradient; only what speaks for."""
    return (features * gradient.mean((1, 2), keepdim=True)).sum(0).relu()


def _grad_cam_plus_plus(features: Tensor, gradient: Tensor) -> Tensor:
    """Chattopadhyay et al. 2018, for the exponential of the logit, up to a positive factor."""
    square = gradient.square()
    below = 2 * square + (features * gradient**3).sum((1, 2), keepdim=True)
    share = square / torch.where(below != 0, below, torch.ones_like(below))
    weights = (share * gradient.relu()).sum((1, 2), keepdim=True)
    return (weights * features).sum(0).relu()


def integrated_gradients(network: Network, batch: Tensor, output: int) -> Attribution:
    """Sundararajan et al. 2017, by Captum, from the training's mean colour to the picture.

    The map must add up to the difference of the two logits; what is missing is the completeness
    gap of a sum over 32 points of the path.

    Raises:
        UsageError: if Captum is not installed.
    """
    refuse_missing("integrated gradients need", ["captum"], "explain")
    from captum.attr import IntegratedGradients

    baseline = torch.zeros_like(batch)
    pixels = IntegratedGradients(network).attribute(
        batch, baseline, target=output, n_steps=_STEPS, internal_batch_size=1
    )
    with torch.no_grad():
        logit, start = (float(network(each)[0, output]) for each in (batch, baseline))
    return Attribution("integrated-gradients", numbers(pixels[0].sum(0)), logit, logit - start)
