"""Fold batch norms into the convolutions before them: the same function with fewer passes."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from diascope.card import ModelCard

_NEAR = 1e-3


def folded(backbone: nn.Module, card: ModelCard) -> nn.Module:
    """Return a copy in which batch norms are part of the convolution that feeds them, where one
    does and feeds nothing else.

    Who feeds whom is seen in one run over a picture: whatever modules a network is built of, and
    without tracing its code. What a network does with a tensor outside of its modules is not seen;
    if the copy answers differently, the network is returned as it is.
    """
    device = next(backbone.parameters()).device
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
    made: dict[int, nn.Conv2d] = {}
    takers: dict[int, list[nn.Module]] = {}
    kept: list[Tensor] = []  # alive, so that no two tensors share an identity
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d, int]] = []
    calls: dict[nn.Module, int] = {}

    def note(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        calls[module] = calls.get(module, 0) + 1
        given = arguments[0]
        kept.extend((given, output))
        takers.setdefault(id(given), []).append(module)
        if isinstance(module, nn.BatchNorm2d) and id(given) in made:
            pairs.append((made[id(given)], module, id(given)))
        if isinstance(module, nn.Conv2d):
            made[id(output)] = module

    leaves = [module for module in backbone.modules() if not list(module.children())]
    handles = [module.register_forward_hook(note) for module in leaves]
    try:
        backbone(picture)
    finally:
        for handle in handles:
            handle.remove()
    return [
        (convolution, norm)
        for convolution, norm, given in pairs
        if takers[given] == [norm] and calls[convolution] == calls[norm] == 1
    ]


def _put(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(root.get_submodule(parent), last, module)
