"""Fold batch norms into the convolutions before them: the same function with fewer passes."""

import copy
from collections import Counter

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from diascope.card import ModelCard
from diascope.explain.call_trace import trace_calls

_NEAR = 1e-3


def fold_batch_norms(backbone: nn.Module, card: ModelCard) -> nn.Module:
    """Return a copy in which batch norms are part of the convolution that feeds them, where one
    does and feeds nothing else.

    Who feeds whom is seen in one run over a picture: whatever modules a network is built of, and
    without tracing its code. What a network does with a tensor outside of its modules is not seen;
    if the copy answers differently, the network is returned as it is.
    """
    device = next(backbone.parameters(), torch.empty(0)).device
    noise = torch.Generator().manual_seed(0)
    picture = torch.randn(1, card.channels, *card.size, generator=noise)
    own, copied = (copy.deepcopy(backbone).cpu() for _ in range(2))  # which does not round to TF32
    with torch.no_grad():
        names = {module: name for name, module in copied.named_modules()}
        for convolution, norm in _feeds(copied, picture):
            _put(copied, names[convolution], fuse_conv_bn_eval(convolution, norm))
            _put(copied, names[norm], nn.Identity())
        before, after = own(picture), copied(picture)
    return copied.to(device) if (before - after).norm() <= _NEAR * before.norm() else backbone


def _feeds(backbone: nn.Module, picture: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Return convolutions and the batch norm that alone takes their output, each called once."""
    calls = [call for call in trace_calls(backbone, picture) if call.leaf]
    times = Counter(call.module for call in calls)
    takers = Counter(call.source for call in calls)
    return [
        (call.source, call.module)
        for call in calls
        if isinstance(call.module, nn.BatchNorm2d) and isinstance(call.source, nn.Conv2d)
        if times[call.module] == times[call.source] == takers[call.source] == 1
    ]


def _put(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(root.get_submodule(parent), last, module)
