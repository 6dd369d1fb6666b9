"""Read weights files of other projects, and map their tensors' names to ours."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diascope.errors import WeightsError

_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # MONAI: denselayer1.layers.norm1; torchvision: denselayer1.norm1, in old files .norm.1
        (r"(denselayer\d+)\.(?:layers\.)?(norm|conv)\.?([12])\.", r"\1.\2\3."),
        # MONAI's EfficientNet: _blocks.1.2._bn0; others: _blocks.2._bn0; ours: see the backbones
        (r"(^|\.)_+", r"\1"),
        (r"^blocks\.\d+\.(\d+)\.", r"blocks.\1."),
        (r"^stem\.", "conv_stem."),
        (r"^stem_norm\.", "bn0."),
        (r"^head\.", "conv_head."),
        (r"^head_norm\.", "bn1."),
    )
)
_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
"""A torchvision ResNet's children by index, as ``nn.Sequential(*resnet.children())`` names them."""

_BIAS, _MEAN = "downsample.0.bias", "downsample.1.running_mean"
"""In a residual network's shortcut: its convolution's bias, and its batch norm's mean."""


@dataclass(frozen=True)
class Pairing:
    """One way to map the names of a file.

    Attributes:
        prefix: of the network's names in the file.
        names: from our names to the file's.
        unmatched: names of the file without a counterpart, inside modules that ours has too: signs
            of a deeper or a different network, unlike a classification layer beside those modules.
    """

    prefix: str
    names: dict[str, str]
    unmatched: tuple[str, ...]


def pairings(ours: Iterable[str], theirs: Iterable[str]) -> Iterator[Pairing]:
    """Yield the pairings for each prefix in the file and each layout that match any names.

    Shapes are not compared. A layer has the same canonical name whether torchvision,
    TorchXRayVision, MONAI or diascope named it.
    """
    ours, theirs = list(ours), list(theirs)
    shared = _shared_prefix(ours)
    expected = {_canonical_name(name.removeprefix(shared)): name for name in ours}
    modules = {_top_module(name) for name in expected}
    layouts: tuple[Callable[[str], str], ...] = (_canonical_name, _name_by_index)
    for prefix in dict.fromkeys(prefix for name in theirs for prefix in _prefixes(name)):
        inside = [name for name in theirs if name.startswith(prefix)]
        for layout in layouts:
            read = {layout(name.removeprefix(prefix)): name for name in inside}
            names = {expected[plain]: name for plain, name in read.items() if plain in expected}
            unmatched = tuple(
                name
                for plain, name in read.items()
                if plain not in expected and _top_module(plain) in modules
            )
            if names:
                yield Pairing(prefix, names, unmatched)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return a file's floating-point tensors by name, without executing anything in the file.

    Nested tensors, such as those under ``state_dict``, are found too; if several parts hold
    tensors, their names become prefixes.

    Raises:
        WeightsError: if the file is not in safetensors' or torch's format, holds Python objects, is
            TorchScript, or holds no tensors by name.
    """
    loaded = _load_safetensors(path) if path.suffix == ".safetensors" else _load_torch_file(path)
    tensors = _flatten(loaded) if isinstance(loaded, Mapping) else {}
    if not tensors:
        kind = type(loaded).__name__
        raise WeightsError(f"holds a {kind} without named tensors", where=str(path))
    return tensors


def without_shortcut_biases(
    tensors: Mapping[str, Tensor], ours: Iterable[str]
) -> dict[str, Tensor]:
    """Return tensors without the biases of shortcuts, which MONAI's residual networks have.

    Each bias is subtracted from the mean of the batch norm that follows, so the features are the
    same. If ``ours`` has such biases, nothing is changed.
    """
    if any(name.endswith(_BIAS) for name in ours):
        return dict(tensors)
    kept = dict(tensors)
    for name in tensors:
        mean = name.removesuffix(_BIAS) + _MEAN
        if name.endswith(_BIAS) and mean in kept:
            kept[mean] = kept[mean].float() - kept.pop(name).float()
    return kept


def _canonical_name(name: str) -> str:
    for pattern, replacement in _RULES:
        name = pattern.sub(replacement, name)
    return name


def _name_by_index(name: str) -> str:
    """Return the name of a residual network's layer given by index, or an empty one."""
    place, _, rest = name.partition(".")
    return f"{_CHILDREN[place]}.{rest}" if place in _CHILDREN else ""


def _top_module(name: str) -> str:
    return name.partition(".")[0]


def _prefixes(name: str) -> Iterator[str]:
    yield ""
    for dot in re.finditer(r"\.", name):
        yield name[: dot.end()]


def _shared_prefix(names: list[str]) -> str:
    """Return the longest dotted prefix that all names share."""
    prefixes = list(_prefixes(names[0])) if names else [""]
    return [prefix for prefix in prefixes if all(name.startswith(prefix) for name in names)][-1]


def _load_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"is not a safetensors file: {error}", where=str(path)) from error


def _load_torch_file(path: Path) -> Any:
    try:
        if not _is_torchscript(path):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises almost anything
        raise _load_error(path, str(error)) from error
    raise WeightsError(
        "is a TorchScript program, not weights alone",
        where=str(path),
        hint="Save its weights: torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth').",
    )


def _load_error(path: Path, reason: str) -> WeightsError:
    if found := re.search(r"Unsupported global: GLOBAL (\S+)", reason):
        return WeightsError(
            f"holds not only tensors but Python objects ({found[1]}), which could run code",
            where=str(path),
            hint="If you trust the file, run in the project that made it: held = torch.load(FILE, "
            "weights_only=False); torch.save(held.state_dict(), 'weights.pth'), with "
            "held['state_dict'] instead if the file is a dictionary.",
        )
    return WeightsError(
        "is damaged, or not a file of torch.save",
        where=str(path),
        hint="Accepted are files of torch.save, .safetensors and folders of weights.",
    )


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _flatten(loaded: Mapping[Any, Any]) -> dict[str, Tensor]:
    """Return tensors by dotted name; a part that is the only one with tensors adds no prefix."""
    named = {key: value for key, value in loaded.items() if isinstance(key, str)}
    flat = {
        key: value.detach()
        for key, value in named.items()
        if isinstance(value, Tensor) and value.is_floating_point()
        if key.rpartition(".")[2] != "num_batches_tracked"  # which some projects store as a float
    }
    inner = {key: _flatten(value) for key, value in named.items() if isinstance(value, Mapping)}
    inner = {key: tensors for key, tensors in inner.items() if tensors}
    if len(inner) == 1 and not flat:
        return next(iter(inner.values()))
    for part, tensors in inner.items():
        flat |= {f"{part}.{name}": tensor for name, tensor in tensors.items()}
    return flat
