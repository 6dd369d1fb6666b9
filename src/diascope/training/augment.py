"""Random changes of training pictures, by the names that a recipe gives: MONAI's transforms, ours,
and those of ``augmentation`` plugins."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from monai.data import get_track_meta, set_track_meta
from monai.transforms import RandomizableTransform
from torch import Tensor

from diascope import contracts
from diascope.document import parse_document
from diascope.errors import RecipeError
from diascope.plugins import find_plugin, find_plugins, load_plugin
from diascope.recipe import build

_OURS = ("RandChroma", "RandJPEG", "RandVignette")


class Augmentation:
    """A chain of random changes of ``(C, H, W)`` in [0, 1]; same seed, same result."""

    def __init__(self, written: tuple[Any, ...], where: str) -> None:
        from monai.transforms import Compose

        self._random = np.random.RandomState()
        self._chain = Compose([_transform(entry, where) for entry in written])
        for transform in self._chain.transforms:  # seeding one each takes as long as many
            transform.set_random_state(state=self._random)

    def __call__(self, picture: Tensor, seed: int) -> Tensor:
        self._random.seed(seed % 2**32)
        with _plain_tensors():
            changed = self._chain(picture)
        return torch.as_tensor(changed).as_subclass(Tensor).clamp(0, 1).contiguous()


@contextmanager
def _plain_tensors() -> Iterator[None]:
    """Have MONAI compute on tensors without metadata, whose upkeep costs time."""
    before = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(before)


class Plugged(RandomizableTransform):  # type: ignore[misc]
    """A plugin's augmentation as a transform of MONAI, whose random state it is given."""

    def __init__(self, augmentation: "contracts.Augmentation") -> None:
        super().__init__()
        self.augmentation = augmentation

    def __call__(self, picture: Tensor) -> Tensor:
        changed = self.augmentation(np.asarray(picture, np.float32), self.R)
        return torch.from_numpy(np.ascontiguousarray(changed, np.float32))


def _transform(entry: Any, where: str) -> Any:
    name: Any = entry
    values: Any = {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, values),) = entry.items()
    values = {} if values is None else values
    plugins = sorted(plugin.name for plugin in find_plugins() if plugin.kind == "augmentation")
    is_plugin = isinstance(name, str) and name.rpartition(":")[2] in plugins
    found = None if is_plugin else _class_of(name)
    if not is_plugin and found is None:
        raise RecipeError(
            f"augment: expected {', '.join([*_OURS, *plugins])} or one of "
            f"MONAI's array transforms named Rand..., got {entry!r}",
            where=where,
            hint="Such as RandFlip, RandRotate, RandZoom, RandAffine, RandGaussianNoise.",
        )
    if not isinstance(values, Mapping):
        raise RecipeError(f"augment: {name}: expected parameters, got {values!r}", where=where)
    if found is None:
        return _plugged(name, values, where)
    try:
        return found(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"augment: {name}: {error}", where=where) from error


def _class_of(name: Any) -> Any:
    """Return our own or MONAI's transform of that name; None if there is none that fits."""
    from monai import transforms

    from diascope.training import transforms as ours

    if not isinstance(name, str) or not name.startswith("Rand"):
        return None
    found = getattr(ours, name, None) or getattr(transforms, name, None)
    fits = (
        isinstance(found, type)
        and issubclass(found, transforms.Randomizable)
        and issubclass(found, transforms.Transform)
        and not issubclass(found, transforms.MapTransform)
    )
    return found if fits else None


def _plugged(name: str, values: Mapping[str, Any], where: str) -> Plugged:
    loaded = load_plugin(find_plugin("augmentation", name))
    nodes = parse_document(json.dumps(values), name=f"{where}: augment: {name}").value
    return Plugged(build(loaded, nodes, where=where))
