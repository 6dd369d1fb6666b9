"""The optimiser, the learning-rate schedule, and the running average of the weights."""

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
    """Return AdamW with layer-wise learning rates.

    The head has the full rate, the first layer ``layer_decay`` times that, and the layers between
    a geometric series. Weight decay applies to filters and matrices, not to biases and
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
    """Return the one-cycle schedule for ``steps`` per epoch.

    Its last rate is almost 0; a training of a single step therefore uses the first rate of a
    schedule of two.
    """
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=max(options.epochs * steps, 2),
        pct_start=0.15,
    )


def make_average(network: Network, options: TrainOptions) -> AveragedModel | None:
    """Return the exponential moving average of weights and running statistics, or None.

    After n steps its decay is at most (1 + n) / (10 + n), as in TensorFlow's
    ``ExponentialMovingAverage``; otherwise a short training's average would be dominated by the
    initial weights.
    """
    if not options.ema:
        return None

    def mean(averages: _Tensors, weights: _Tensors, count: Tensor | int) -> None:
        if not averages[0].is_floating_point():  # batch norms' counters are copied, not averaged
            torch._foreach_copy_(averages, weights)
            return
        decay = min(options.ema, (1 + int(count)) / (10 + int(count)))
        get_ema_multi_avg_fn(decay)(averages, weights, count)  # type: ignore[no-untyped-call]

    return AveragedModel(network, multi_avg_fn=mean, use_buffers=True)


def _decay(weight: nn.Parameter, options: TrainOptions) -> float:
    return options.weight_decay if weight.ndim > 1 else 0.0
