"""Mixing the pictures of a batch in pairs."""

import torch
from torch import Tensor
from torch.distributions import Beta


def mix_pictures(
    pictures: Tensor, targets: Tensor, rows: Tensor, alpha: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return each picture ``(N, C, H, W)`` mixed with another of the batch, target and weight too.

    The two count in the target by their share and their row's weight. A mixture of pictures of
    which one has an unknown label (NaN) has it unknown.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization".

    Args:
        alpha: of the Beta distribution of the shares; the larger, the more even are the mixtures.
    """
    count = len(pictures)
    others = torch.randperm(count).to(pictures.device)
    shares = Beta(alpha, alpha).sample((count,)).to(pictures.device)
    mixtures = pictures[others].lerp(pictures, shares[:, None, None, None])
    weights = rows[others].lerp(rows, shares)
    counted = torch.where(rows == rows[others], shares, shares * rows / weights.clamp(min=1e-8))
    return mixtures, targets[others].lerp(targets, counted[:, None]), weights
