"""Trial runs of a training's backbone before the first epoch, so that errors show early."""

from copy import deepcopy

import torch
from torch import nn

from diascope.card import ModelCard
from diascope.contracts import Backbone
from diascope.errors import PluginError, RecipeError
from diascope.plugin_creation import make_backbone
from diascope.plugins import blame_plugin, find_plugin


def build_layers(backbone: Backbone, name: str) -> nn.Module:
    """Return the layers of a backbone plugin; any fault becomes a PluginError."""
    plugin = find_plugin("backbone", name)
    with blame_plugin(plugin, "cannot be built"):
        layers = backbone.build()
    if not isinstance(layers, nn.Module):
        raise PluginError(f"{plugin.title}: expected a torch module, got {type(layers).__name__}")
    return layers


def check_backbone(card: ModelCard) -> None:
    """Make the backbone from the parameters in the card, and run a black picture through it.

    Raises:
        RecipeError: if it cannot be made from them.
        PluginError: naming the plugin, if it cannot be built or run, or if it does not return
            ``(N, F, h, w)`` with its ``features`` as F.
    """
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    plugin = find_plugin("backbone", card.backbone)
    layers = build_layers(backbone, card.backbone).eval()
    with blame_plugin(plugin, "cannot run its layers"), torch.inference_mode():
        features = layers(torch.zeros(1, card.channels, *card.size))
    shape = tuple(getattr(features, "shape", ()))
    if len(shape) != 4 or shape[:2] != (1, backbone.features):
        raise PluginError(
            f"{plugin.title}: expected features (1, {backbone.features}, h, w) of one picture, got "
            f"a {type(features).__name__} of shape {shape}",
            hint="Its `features` must be the channels of what its layers return, before pooling.",
        )


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
