"""Parts of a training are tried before the first epoch: what fails then costs no training."""

import torch
from torch import nn

from diascope.card import ModelCard
from diascope.contracts import Backbone
from diascope.errors import DiascopeError, PluginError, reason_of
from diascope.pipeline import make_backbone
from diascope.plugins import find_plugin


def built(backbone: Backbone, name: str) -> nn.Module:
    """Return the layers of a backbone plugin.

    Raises:
        PluginError: naming the plugin, whatever it raised.
    """
    try:
        return backbone.build()
    except DiascopeError:
        raise
    except Exception as error:  # a stranger's class may raise anything
        raise _fault(name, "build()", error) from error


def try_backbone(card: ModelCard) -> None:
    """Make the backbone from what the card will keep of it, and run a black picture through it.

    Raises:
        RecipeError: if it cannot be made from that.
        PluginError: naming it, if it cannot be built or run, takes other channels than it
            normalises, or gives other features than ``(N, F, h, w)`` with its ``features`` as F.
    """
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    title = find_plugin("backbone", card.backbone).title
    if backbone.in_channels != card.channels:
        raise PluginError(
            f"{title}: in_channels is {backbone.in_channels}, but mean and std are of "
            f"{card.channels}"
        )
    layers = built(backbone, card.backbone).eval()
    try:
        with torch.inference_mode():
            features = layers(torch.zeros(1, card.channels, *card.size))
    except Exception as error:  # a stranger's layers may raise anything
        raise _fault(card.backbone, "its layers", error) from error
    shape = tuple(getattr(features, "shape", ()))
    if len(shape) != 4 or shape[:2] != (1, backbone.features):
        raise PluginError(
            f"{title}: expected features (1, {backbone.features}, h, w) of one picture, got a "
            f"{type(features).__name__} of shape {shape}",
            hint="Its `features` must be the channels of what its layers return, before pooling.",
        )


def _fault(name: str, what: str, error: Exception) -> PluginError:
    named = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
    title = find_plugin("backbone", name).title
    return PluginError(f"{title}: {what}: {reason_of(error)}{named}")
