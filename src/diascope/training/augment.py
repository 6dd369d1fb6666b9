"""Augmentation of training pictures by the transforms that a recipe names: MONAI's and
``augmentation`` plugins."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import get_track_meta, set_track_meta
from monai.transforms import RandomizableTransform
from torch import Tensor

from diascope import contracts
from diascope.errors import DiascopeError, PluginError, RecipeError, reason_of
from diascope.plugin_creation import make_from_values
from diascope.plugins import blame_plugin, find_plugins
from diascope.preparation import Part

_TRIALS = 32
"""Trial runs of a chain before training: a transform with probability 0.1 is then applied at least
once in 29 of 30 trainings."""


class AugmentationChain:
    """A chain of random transforms of ``(C, H, W)`` in [0, 1], reproducible by seed.

    Args:
        base: folder against which plugins' relative paths are resolved first.
    """

    def __init__(self, written: tuple[Any, ...], where: str, base: Path | None = None) -> None:
        self._random = np.random.RandomState()
        self._shapes: dict[tuple[int, ...], tuple[int, ...]] = {}  # input shape to output shape
        self._where = where
        self._chain = [_make_transform(entry, where, base) for entry in written]
        for _, transform in self._chain:  # one shared generator: seeding each would be slow
            transform.set_random_state(state=self._random)

    @property
    def parts(self) -> list[Part[Any]]:
        """The plugins of the chain."""
        return [each.part for _, each in self._chain if isinstance(each, PluginTransform)]

    def __call__(self, picture: Tensor, seed: int) -> Tensor:
        """Return the augmented picture.

        Raises:
            PluginError: if a plugin fails, changes the shape or returns non-finite values.
            RecipeError: if a MONAI transform fails, returns several pictures, or changes the
                picture's size at random.
        """
        self._random.seed(seed % 2**32)
        changed: Any = picture
        with _without_metadata():
            for name, transform in self._chain:
                try:
                    changed = transform(changed)
                    if isinstance(changed, list):
                        message = f"augment: {name}: returns several pictures for one"
                        raise RecipeError(message, where=self._where)
                    changed = torch.as_tensor(changed)
                except DiascopeError:
                    raise
                except Exception as error:
                    message = f"augment: {name}: {reason_of(error)}"
                    raise RecipeError(message, where=self._where) from error
        whole: Tensor = changed.as_subclass(Tensor).clamp(0, 1).contiguous()
        self._check_size(tuple(picture.shape), tuple(whole.shape))
        return whole

    def _check_size(self, given: tuple[int, ...], became: tuple[int, ...]) -> None:
        """Check that pictures of one shape are all transformed to one shape, as batching needs."""
        if became != (known := self._shapes.setdefault(given, became)):
            raise RecipeError(
                f"augment: turns pictures {given} into {known} as well as {became}",
                where=self._where,
                hint="All must have one size: write keep_size: true, or use a crop of fixed size; "
                "rotations by 90 degrees need square pictures.",
            )

    def dry_run(self, channels: int, size: tuple[int, int]) -> None:
        """Augment a grey picture of ``size`` (height, width) several times as a test.

        Raises:
            PluginError, RecipeError: as ``__call__`` does.
        """
        for seed in range(_TRIALS):
            self(torch.full((channels, *size), 0.5), seed)


@contextmanager
def _without_metadata() -> Iterator[None]:
    """Let MONAI use tensors without metadata, which takes time to maintain."""
    before = get_track_meta()
    set_track_meta(False)
    try:
        yield
    finally:
        set_track_meta(before)


class PluginTransform(RandomizableTransform):  # type: ignore[misc]
    """An augmentation plugin wrapped as a MONAI transform; it gets the transform's random state."""

    def __init__(self, part: "Part[contracts.Augmentation]") -> None:
        super().__init__()
        self.part = part

    def __call__(self, picture: Tensor) -> Tensor:
        given = np.asarray(picture, np.float32)
        plugin = self.part.plugin
        with blame_plugin(plugin, "failed"):
            changed = self.part.instance(given, self.R)
        if np.shape(changed) != given.shape:
            raise PluginError(
                f"{plugin.title}: expected a picture of the shape {given.shape}, got a "
                f"{type(changed).__name__} of shape {np.shape(changed)}"
            )
        numbers = np.ascontiguousarray(changed, np.float32)
        if not np.isfinite(numbers).all():
            raise PluginError(f"{plugin.title}: returned values that are not finite numbers")
        return torch.from_numpy(numbers)


def _make_transform(entry: Any, where: str, base: Path | None) -> tuple[str, Any]:
    """Return the name and the transform of an entry of the recipe's ``augment``.

    If a plugin has a name of MONAI's, ``monai:name`` or ``distribution:name`` chooses.
    """
    name: Any = entry
    values: Any = {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, values),) = entry.items()
    values = {} if values is None else values
    plugins = sorted(plugin.name for plugin in find_plugins() if plugin.kind == "augmentation")
    found = _find_transform(name)
    is_plugin = isinstance(name, str) and name.rpartition(":")[2] in plugins
    if found is not None and is_plugin and ":" not in name:
        raise RecipeError(
            f"augment: {name} is one of MONAI's transforms and a plugin",
            where=where,
            hint=f"Write monai:{name}, or the plugin's package in front: PACKAGE:{name}.",
        )
    if found is None and not is_plugin:
        raise RecipeError(
            f"augment: expected {', '.join(plugins)} or one of MONAI's array transforms named "
            f"Rand..., got {entry!r}",
            where=where,
            hint="For example RandFlip, RandRotate, RandZoom, RandAffine, RandGaussianNoise.",
        )
    if not isinstance(values, Mapping):
        raise RecipeError(f"augment: {name}: expected parameters, got {values!r}", where=where)
    if found is None:
        title = f"{where}: augment: {name}"
        part = make_from_values("augmentation", name, values, where=where, title=title, base=base)
        return name, PluginTransform(part)
    try:
        return name, found(**values)
    except Exception as error:  # for unexpected arguments MONAI raises almost anything
        raise RecipeError(f"augment: {name}: {reason_of(error)}", where=where) from error


def _find_transform(name: Any) -> Any:
    """Return MONAI's random array transform of that name, or None."""
    from monai import transforms

    if not isinstance(name, str) or not name.removeprefix("monai:").startswith("Rand"):
        return None
    found = getattr(transforms, name.removeprefix("monai:"), None)
    fits = (
        isinstance(found, type)
        and issubclass(found, transforms.Randomizable)
        and issubclass(found, transforms.Transform)
        and not issubclass(found, transforms.MapTransform)
    )
    return found if fits else None
