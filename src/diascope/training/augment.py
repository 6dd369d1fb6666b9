"""Random transforms of training pictures: MONAI's and ours, by the names that a recipe gives."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from diascope.errors import RecipeError


class Augmentation:
    """A chain of MONAI's random transforms on ``(C, H, W)`` in [0, 1]; same seed, same result."""

    def __init__(self, written: tuple[Any, ...], where: str) -> None:
        from monai.transforms import Compose

        self._chain = Compose([_transform(entry, where) for entry in written])

    def __call__(self, picture: Tensor, seed: int) -> Tensor:
        self._chain.set_random_state(seed=seed % 2**32)
        changed = self._chain(picture)
        return torch.as_tensor(changed).as_subclass(Tensor).clamp(0, 1).contiguous()


def _transform(entry: Any, where: str) -> Any:
    from monai import transforms

    from diascope.training import transforms as ours

    name: Any = entry
    values: Any = {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        ((name, values),) = entry.items()
    found: Any = None
    if isinstance(name, str):
        found = getattr(ours, name, None) or getattr(transforms, name, None)
    is_random = isinstance(found, type) and issubclass(found, transforms.Randomizable)
    is_array = (
        is_random
        and issubclass(found, transforms.Transform)
        and not issubclass(found, transforms.MapTransform)
    )
    if not str(name).startswith("Rand") or not is_array:
        raise RecipeError(
            f"augment: expected RandJPEG, RandVignette or one of MONAI's array transforms named "
            f"Rand..., got {entry!r}",
            where=where,
            hint="Such as RandFlip, RandRotate, RandZoom, RandAffine, RandGaussianNoise.",
        )
    try:
        return found(**(values or {}))
    except (TypeError, ValueError) as error:
        raise RecipeError(f"augment: {name}: {error}", where=where) from error
