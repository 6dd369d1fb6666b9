"""Mixup: blend pairs of pictures within a batch."""

import torch
from torch import Tensor
from torch.distributions import Beta


def mix_pictures(
    pictures: Tensor, targets: Tensor, row_weights: Tensor, alpha: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures ``(N, C, H, W)`` mixed with others of the batch, and targets and weights.

    Targets are mixed in proportion to the pictures' shares and their rows' weights. A label that is
    unknown (NaN) in one picture is unknown in the mixture.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".

    Args:
        alpha: of the Beta distribution of the shares; larger values give more even mixtures.
    """
    count = len(pictures)
    others = torch.randperm(count).to(pictures.device)
    shares = Beta(alpha, alpha).sample((count,)).to(pictures.device)
    mixtures = pictures[others].lerp(pictures, shares[:, None, None, None])
    weights = row_weights[others].lerp(row_weights, shares)
    same = row_weights == row_weights[others]
    counted = torch.where(same, shares, shares * row_weights / weights.clamp(min=1e-8))
    return mixtures, targets[others].lerp(targets, counted[:, None]), weights
