"""Fold batch norms into the convolutions before them, which saves passes over the data."""

import copy
from collections import Counter

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from diascope.card import ModelCard
from diascope.explain.call_trace import trace_calls

_NEAR = 1e-3


def fold_batch_norms(backbone: nn.Module, card: ModelCard) -> nn.Module:
    """Return a copy in which each batch norm is folded into the convolution before it, if that
    convolution feeds nothing else.

    The data flow is observed in one run on a picture. This works for any modules, without tracing
    code, but misses operations outside of modules: if the copy answers differently, the network is
    returned unchanged.
    """
    device = next(backbone.parameters(), torch.empty(0)).device
    noise = torch.Generator().manual_seed(0)
    picture = torch.randn(1, card.channels, *card.size, generator=noise)
    own, copied = (copy.deepcopy(backbone).cpu() for _ in range(2))  # a CPU does not round to TF32
    with torch.no_grad():
        names = {module: name for name, module in copied.named_modules()}
        for convolution, norm in _foldable_pairs(copied, picture):
            _replace(copied, names[convolution], fuse_conv_bn_eval(convolution, norm))
            _replace(copied, names[norm], nn.Identity())
        before, after = own(picture), copied(picture)
    return copied.to(device) if (before - after).norm() <= _NEAR * before.norm() else backbone


def _foldable_pairs(backbone: nn.Module, picture: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Return pairs of a convolution and the batch norm that is the only consumer of its output.

    Both are called exactly once.
    """
    calls = [call for call in trace_calls(backbone, picture) if call.leaf]
    times = Counter(call.module for call in calls)
    takers = Counter(call.source for call in calls)
    return [
        (call.source, call.module)
        for call in calls
        if isinstance(call.module, nn.BatchNorm2d) and isinstance(call.source, nn.Conv2d)
        if times[call.module] == times[call.source] == takers[call.source] == 1
    ]


def _replace(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(root.get_submodule(parent), last, module)
