"""The ``start:`` of a training: a file of weights, the names in it, and its pixels."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from annotated_types import Interval

from diascope.card import CARD_FILE, WEIGHTS_FILE, read_card
from diascope.contracts import Backbone
from diascope.errors import WeightsError

BUNDLED = "models/model.pt"
"""Path of the weights inside a MONAI bundle."""

_INSIDE = (WEIGHTS_FILE, BUNDLED)
"""Paths of the weights inside a folder of ours, and inside a MONAI bundle."""

_Mean = Annotated[float, Interval(gt=-math.inf, lt=math.inf)]
_Std = Annotated[float, Interval(gt=0, lt=math.inf)]


@dataclass(frozen=True)
class Start:
    """The weights that a training starts from.

    Attributes:
        file: a file of ``torch.save``, safetensors, a weights folder of ours or a MONAI bundle.
        keys: from prefixes of the file's names to ours; other names are ignored.
        mean, std: how the weights expect pixels in [0, 1] to be normalised; one number, or one per
            channel. None: as in the card beside weights of ours, else as the backbone states.
    """

    file: Path
    keys: dict[str, str] = field(default_factory=dict)
    mean: _Mean | tuple[_Mean, ...] | None = None
    std: _Std | tuple[_Std, ...] | None = None

    def __post_init__(self) -> None:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std belong together: state both, or neither")

    @property
    def source(self) -> Path:
        """The weights file, also if ``file`` is a folder.

        Raises:
            WeightsError: if the folder has no weights.
        """
        if not self.file.is_dir():
            return self.file
        for inside in _INSIDE:
            if (self.file / inside).is_file():
                return self.file / inside
        raise WeightsError(
            f"holds neither {' nor '.join(_INSIDE)}",
            where=str(self.file),
            hint="Give the path of the weights file itself.",
        )

    @property
    def own_folder(self) -> Path | None:
        """The weights folder of diascope that the file lies in; None for another project's file."""
        source = self.source
        is_own = source.name == WEIGHTS_FILE and (source.parent / CARD_FILE).exists()
        return source.parent if is_own else None

    def normalisation(self, backbone: Backbone) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation, each with one number per channel of the backbone.

        Raises:
            ValueError: if they are stated for another number of channels.
            WeightsError: if the card beside weights of ours is wrong.
        """
        channels = len(backbone.mean)
        if self.mean is not None and self.std is not None:
            mean, std = _per_channel(self.mean, channels), _per_channel(self.std, channels)
            for name, numbers in (("mean", mean), ("std", std)):
                if len(numbers) != channels:
                    raise ValueError(
                        f"start: {name} has {len(numbers)} numbers, but the backbone takes "
                        f"{channels} channel{'s' * (channels > 1)}"
                    )
            return mean, std
        mean, std = tuple(map(float, backbone.mean)), tuple(map(float, backbone.std))
        if (folder := self.own_folder) is None:
            return mean, std
        card = read_card(folder)
        if len(set(zip(card.mean, card.std, strict=True))) == 1:  # alike for grey and for colours
            return card.mean[:1] * channels, card.std[:1] * channels
        return (card.mean, card.std) if card.channels == channels else (mean, std)


def _per_channel(value: float | tuple[float, ...], channels: int) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (float(value),) * channels
