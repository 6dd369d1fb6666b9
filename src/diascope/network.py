"""The network, a backbone with a head, and loading it from a weights file."""

import hashlib
import json
from pathlib import Path
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.card import WEIGHTS_FILE, ModelCard, check_digest
from diascope.contracts import Backbone
from diascope.errors import WeightsError

_SHARED: WeakValueDictionary[tuple[str, str, str, str], nn.Module] = WeakValueDictionary()
"""The backbones loaded in this process, as long as a model uses them."""


class LinearHead(nn.Module):
    """Mean pooling and one linear layer."""

    def __init__(self, features: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(features, outputs)

    @property
    def bias(self) -> Tensor:
        return self.linear.bias

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.dropout(features.mean((2, 3))))
        return logits

    def maps(self, features: Tensor) -> Tensor:
        """Return ``(N, L, h, w)``: the contribution of each cell to each logit.

        Source: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization". Divided
        by the number of cells, so that a map sums to its logit minus the bias.
        """
        cells = features.shape[2] * features.shape[3]
        return functional.conv2d(features, self.linear.weight[:, :, None, None] / cells)


class AttentionHead(LinearHead):
    """Gated attention over the regions of an item, and one linear layer.

    An item's logits are ``W sum(alpha f) + b``, where alpha is the softmax of the attention over
    its regions and f the mean of a region's cells. As pooling and layer are linear, this equals the
    weighted mean, with the same weights, of the regions' logits by ``LinearHead``.

    Source: Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning".
    """

    WIDTH = 128

    def __init__(self, features: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__(features, outputs, dropout)
        self.seen = nn.Linear(features, self.WIDTH)
        self.gate = nn.Linear(features, self.WIDTH)
        self.weight = nn.Linear(self.WIDTH, 1, bias=False)

    def attention(self, pooled: Tensor) -> Tensor:
        """Return ``(n,)``: the log weight of each region with ``(n, F)`` features, up to a constant
        per item."""
        gated = self.seen(pooled).tanh() * self.gate(pooled).sigmoid()
        attention: Tensor = self.weight(gated).flatten()
        return attention

    def item_logits(self, pooled: Tensor) -> Tensor:
        """Return ``(L,)``: the logits of an item whose regions have ``(n, F)`` features."""
        shares = self.attention(pooled).softmax(0)
        logits: Tensor = self.linear(self.dropout(shares @ pooled))
        return logits


class ConvHead(nn.Module):
    """A 3 x 3 convolution, ReLU and a 1 x 1 convolution to one map per label; then mean pooling."""

    WIDTH = 256

    def __init__(self, features: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(features, self.WIDTH, 3, padding=1)
        self.dropout = nn.Dropout2d(dropout)
        self.linear = nn.Conv2d(self.WIDTH, outputs, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Tensor) -> Tensor:
        return self.maps(features).sum((2, 3)) + self.bias

    def maps(self, features: Tensor) -> Tensor:
        """Return ``(N, L, h, w)``: the contribution of each cell to each logit."""
        cells = features.shape[2] * features.shape[3]
        maps: Tensor = self.linear(self.dropout(functional.relu(self.hidden(features)))) / cells
        return maps


class Network(nn.Module):
    """A backbone and a head that map ``(N, C, H, W)`` to ``(N, L)`` logits."""

    def __init__(self, backbone: nn.Module, head: LinearHead | ConvHead) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, batch: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(batch))
        return logits


def build_head(
    kind: str, features: int, outputs: int, dropout: float = 0.0
) -> LinearHead | ConvHead:
    """Return a new head of the kind that the card names: ``linear``, ``conv`` or ``attention``."""
    heads: dict[str, type[LinearHead] | type[ConvHead]] = {
        "linear": LinearHead,
        "conv": ConvHead,
        "attention": AttentionHead,
    }
    return heads[kind](features, outputs, dropout)


def load_network(card: ModelCard, directory: Path, backbone: Backbone, device: str) -> Network:
    """Build the card's network and load its weights, on ``device`` and in evaluation mode.

    A backbone that several models share, by the digest of its weights, is loaded once per process.

    Raises:
        WeightsError: if the file is missing, is not the one that the card describes, or does not
            fit the network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = directory / WEIGHTS_FILE
    check_digest(card, directory)
    if card.channels != backbone.in_channels:
        raise WeightsError(
            f"its card normalises {card.channels} channels, but its backbone takes "
            f"{backbone.in_channels}",
            where=str(path),
        )
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise WeightsError(f"is not a safetensors file: {error}", where=str(path)) from error
    head = build_head(card.head, backbone.features, card.outputs)
    _load(head, {k[5:]: v for k, v in state.items() if k.startswith("head.")}, path)
    body = {k[9:]: v for k, v in state.items() if k.startswith("backbone.")}
    shared = _shared_backbone(card, backbone, body, path, device)
    _placed(head, device)
    return Network(shared, head).eval()


def state_digest(module: nn.Module) -> str:
    """Return the SHA-256 of the names and values of a module's weights; -0 counts as 0."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        values = tensor.detach().float().cpu() + 0.0  # averaging weights turns -0 into 0
        digest.update(values.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _shared_backbone(
    card: ModelCard, backbone: Backbone, state: dict[str, Tensor], path: Path, device: str
) -> nn.Module:
    layers = json.dumps(card.backbone_parameters, sort_keys=True)
    key = (card.backbone, layers, card.backbone_digest or card.digest, device)
    if (loaded := _SHARED.get(key)) is not None:
        return loaded
    built = backbone.build()
    if state:
        _load(built, state, path)
    elif state_digest(built) != card.backbone_digest:
        raise WeightsError(
            f"holds only a head, for a backbone {card.backbone!r} with other weights than the "
            "installed ones",
            where=str(path),
            hint=f"Its card names the backbone digest {card.backbone_digest}.",
        )
    built = _placed(built, device)
    _SHARED[key] = built
    return built


def _placed(module: nn.Module, device: str) -> nn.Module:
    """Move a module to a device, in the channels-last layout of fast convolutions."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module.to(device).eval()


def _load(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"does not fit the network that its card describes: {detail}", where=str(path)
        ) from error
