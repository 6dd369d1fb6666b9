"""The optimiser: which weights learn at which rate, and their running average."""

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from diascope.network import Network
from diascope.training.options import TrainOptions

_DEPTHS = 10
_Tensors = tuple[Tensor, ...] | list[Tensor]


def make_optimizer(network: Network, options: TrainOptions) -> torch.optim.Optimizer:
    """Return AdamW, with a learning rate for each depth.

    The head learns at the full rate, the first layer at ``layer_decay`` of it, the others at a
    geometric series between. Weight decay acts on filters and matrices, not on biases and
    normalisation.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    body = list(network.backbone.parameters())
    for place, weight in enumerate(body):
        depth = (place * _DEPTHS // len(body)) / _DEPTHS
        groups[options.layer_decay ** (1 - depth), _decay(weight, options)].append(weight)
    for weight in network.head.parameters():
        groups[1.0, _decay(weight, options)].append(weight)
    rate = options.learning_rate
    return torch.optim.AdamW(
        [
            {"params": weights, "lr": rate * share, "weight_decay": decay}
            for (share, decay), weights in groups.items()
        ]
    )


def make_schedule(optimizer: Any, options: TrainOptions, steps: int) -> Any:
    """Return the one-cycle schedule over an epoch's ``steps`` times the epochs.

    Its last rate is almost 0: where there is one step in all, it has the first of two.
    """
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=max(options.epochs * steps, 2),
        pct_start=0.15,
    )


def make_average(network: Network, options: TrainOptions) -> AveragedModel | None:
    """Return the exponential moving average of the weights and statistics, if one is wanted.

    It never looks back over more than a ninth of the steps done, as in TensorFlow's
    ``ExponentialMovingAverage``: else that of a short training would hold what it began with.
    """
    if not options.ema:
        return None

    def mean(averages: _Tensors, weights: _Tensors, count: Tensor | int) -> None:
        if not averages[0].is_floating_point():  # batch norms' counters: rounding would move them
            torch._foreach_copy_(averages, weights)
            return
        decay = min(options.ema, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(decay)(averages, weights, count)  # type: ignore[no-untyped-call]

    return AveragedModel(network, multi_avg_fn=mean, use_buffers=True)


def _decay(weight: nn.Parameter, options: TrainOptions) -> float:
    return options.weight_decay if weight.ndim > 1 else 0.0
