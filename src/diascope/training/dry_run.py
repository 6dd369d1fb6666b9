"""Trial runs of a training's backbone before the first epoch, so that errors show early."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from diascope.card import ModelCard
from diascope.contracts import Backbone
from diascope.errors import PluginError, RecipeError
from diascope.explain.call_trace import forward_hooks
from diascope.explain.layer_table import describe_window
from diascope.explain.receptive_field import window_of
from diascope.plugin_creation import make_backbone
from diascope.plugins import blame_plugin, find_plugin
from diascope.recipe import Reference


def build_layers(backbone: Backbone, name: str) -> nn.Module:
    """Return the layers of a backbone plugin; any fault becomes a PluginError."""
    plugin = find_plugin("backbone", name)
    with blame_plugin(plugin, "cannot be built"):
        layers = backbone.build()
    if not isinstance(layers, nn.Module):
        raise PluginError(f"{plugin.title}: expected a torch module, got {type(layers).__name__}")
    return layers


def check_backbone(card: ModelCard, reference: Reference) -> None:
    """Make the backbone from the parameters in the card, and run a black picture through it.

    Args:
        reference: where the recipe names the backbone.

    Raises:
        RecipeError: if it cannot be made from them, or if the picture is too small for a layer.
        PluginError: naming the plugin, if it cannot be built or run, or if it does not return
            ``(N, F, h, w)`` with its ``features`` as F.
    """
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    plugin = find_plugin("backbone", card.backbone)
    layers = build_layers(backbone, card.backbone).eval()
    with blame_plugin(plugin, "cannot run its layers"), torch.inference_mode():
        features = _run(layers, torch.zeros(1, card.channels, *card.size), reference)
    shape = tuple(getattr(features, "shape", ()))
    if len(shape) != 4 or shape[:2] != (1, backbone.features):
        raise PluginError(
            f"{plugin.title}: expected features (1, {backbone.features}, h, w) of one picture, got "
            f"a {type(features).__name__} of shape {shape}",
            hint="Its `features` must be the channels of what its layers return, before pooling.",
        )


def _run(layers: nn.Module, picture: Tensor, reference: Reference) -> Any:
    """Return what the layers make of a picture; name the layer if one has too few pixels for it."""
    entered: list[tuple[nn.Module, Sequence[int]]] = []

    def enter(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if window_of(module) and arguments and isinstance(arguments[0], Tensor):
            entered.append((module, arguments[0].shape[2:]))

    try:
        with forward_hooks(layers.modules(), before=enter):
            return layers(picture)
    except RuntimeError as error:
        module, size = entered[-1] if entered else (layers, ())
        window, described = window_of(module), describe_window(module)
        if not window or not described or window.fits(size):
            raise
        (tall, wide), layer = picture.shape[2:], f"layer {len(entered)} ({', '.join(described)})"
        raise RecipeError(
            f"{layer} gets {size[1]} x {size[0]} pixels, fewer than it needs; the picture has "
            f"{wide} x {tall}",
            where=_line_of_layer(reference, len(entered), layers),
            hint="Take larger pictures, or fewer or smaller layers that shrink them: poolings, "
            "strides, and kernels without padding.",
        ) from error


def _line_of_layer(reference: Reference, number: int, network: nn.Module) -> str:
    """Return the ``file:line`` of a layer if the recipe lists the layers, else of the backbone."""
    listed = reference.parameters.get("layers")
    lines = listed.value if listed and isinstance(listed.value, list) else []
    windows = sum(window_of(module) is not None for module in network.modules())
    return lines[number - 1].where if len(lines) == windows else reference.where


def check_single_picture(layers: nn.Module, card: ModelCard) -> None:
    """Raise a RecipeError if a backbone, as batch norms may, cannot train on a single picture."""
    parameter = next(layers.parameters(), torch.zeros(1))
    picture = torch.zeros(1, card.channels, *card.size, device=parameter.device)
    try:
        with torch.no_grad():
            deepcopy(layers).train()(picture)
    except ValueError as error:
        raise RecipeError(
            f"the backbone {card.backbone} cannot learn from batches of one picture: {error}",
            hint="Write a batch of two or more for each device, or take larger pictures.",
        ) from error
