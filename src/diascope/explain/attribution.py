"""Evidence maps: which parts of a picture are evidence for or against a label, by several methods.

``exact`` is a decomposition: the map's numbers add up to the logit minus the bias. The others are
estimates from gradients. If a method makes a claim about its sum, the residual is measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diascope.explain.convolution import to_numpy
from diascope.extras import refuse_missing
from diascope.network import Network

FeatureMethod = Literal["exact", "hirescam", "grad-cam", "grad-cam++"]
Method = FeatureMethod | Literal["integrated-gradients"]
TOLERANCE = 1e-4
_STEPS = 32


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map of the evidence for (above 0) and against (below 0) an output.

    Attributes:
        map: ``(h, w)`` float32.
        logit: the network's logit of the output.
        expected_sum: what the map must add up to; None if the method makes no such claim.
    """

    method: Method
    map: NDArray[np.float32]
    logit: float
    expected_sum: float | None

    @property
    def sum(self) -> float:
        return float(self.map.sum(dtype="float64"))

    @property
    def residual(self) -> float | None:
        """The error of the sum, relative to the magnitudes of what was added."""
        if self.expected_sum is None:
            return None
        size = float(np.abs(self.map).sum(dtype="float64")) + abs(self.logit - self.expected_sum)
        return abs(self.sum - self.expected_sum) / max(size, abs(self.expected_sum), 1e-12)

    @property
    def adds_up(self) -> bool:
        """Whether the sum is as expected, to within ``TOLERANCE``."""
        return self.residual is not None and self.residual < TOLERANCE


def attribute(
    network: Network, features: Tensor, output: int, method: FeatureMethod
) -> Attribution:
    """Return the evidence map of an output from the backbone's features ``(1, F, h, w)``."""
    if method == "exact":
        return _exact(network, features, output)
    methods: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "hirescam": _hirescam,
        "grad-cam": _grad_cam,
        "grad-cam++": _grad_cam_plus_plus,
    }
    features = features.detach().clone().requires_grad_()
    with torch.enable_grad():
        logit = network.head(features)[0, output]
        (gradient,) = torch.autograd.grad(logit, features)
    cells = methods[method](features.detach()[0], gradient[0])
    return Attribution(method, to_numpy(cells), float(logit.detach()), None)


def _exact(network: Network, features: Tensor, output: int) -> Attribution:
    """Zhou et al. 2016, divided by the number of cells: what each cell adds to the logit."""
    with torch.no_grad():
        logit = float(network.head(features)[0, output])
        cells = network.head.maps(features)[0, output]
        bias = float(network.head.bias[output])
    return Attribution("exact", to_numpy(cells), logit, logit - bias)


def _hirescam(features: Tensor, gradient: Tensor) -> Tensor:
    """Draelos and Carin 2020: gradient times activation, summed over the channels."""
    return (features * gradient).sum(0)


def _grad_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """Selvaraju et al. 2017: channels weighted by their mean gradient; positive evidence only."""
    return (features * gradient.mean((1, 2), keepdim=True)).sum(0).relu()


def _grad_cam_plus_plus(features: Tensor, gradient: Tensor) -> Tensor:
    """Chattopadhyay et al. 2018, for the exponential of the logit, up to a positive factor."""
    square = gradient.square()
    denominator = 2 * square + (features * gradient**3).sum((1, 2), keepdim=True)
    alpha = square / torch.where(denominator != 0, denominator, torch.ones_like(denominator))
    weights = (alpha * gradient.relu()).sum((1, 2), keepdim=True)
    return (weights * features).sum(0).relu()


def integrated_gradients(network: Network, batch: Tensor, output: int) -> Attribution:
    """Sundararajan et al. 2017, by Captum, with a picture of the card's ``mean`` as the baseline.

    The map should add up to the difference between the logits of the picture and of the baseline.
    The completeness gap is the error of approximating the path integral by 32 points.

    Raises:
        UsageError: if Captum is not installed.
    """
    refuse_missing("integrated gradients need", "explain")
    from captum.attr import IntegratedGradients

    baseline = torch.zeros_like(batch)
    pixels = IntegratedGradients(network).attribute(
        batch, baseline, target=output, n_steps=_STEPS, internal_batch_size=1
    )
    with torch.no_grad():
        logit, reference = (float(network(each)[0, output]) for each in (batch, baseline))
    return Attribution("integrated-gradients", to_numpy(pixels[0].sum(0)), logit, logit - reference)
