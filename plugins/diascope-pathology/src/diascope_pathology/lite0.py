"""The backbone ``pathology-lite0``, which the package's models use."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from diascope.backbones.efficientnet_lite import EfficientNetLite0
from diascope.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = Path(__file__).parent / "weights" / "backbone.safetensors"


@dataclass(frozen=True)
class PathologyLite0:
    """EfficientNet-Lite0, trained to tell five kinds of colon and lung tissue in H&E.

    ``examples/backbone.py`` extracts the weights from a training by ``pathology-train.yaml``.
    """

    api: ClassVar = (1, 0)
    in_channels: ClassVar = 3
    features: ClassVar = EfficientNetLite0.features
    mean: ClassVar = EfficientNetLite0().mean
    std: ClassVar = EfficientNetLite0().std

    def build(self) -> "nn.Module":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            state = load_file(WEIGHTS)
        except (OSError, SafetensorError) as error:
            raise WeightsError(
                f"the weights of pathology-lite0 cannot be read: {error}",
                where=str(WEIGHTS),
                hint="Reinstall diascope-pathology from its original source.",
            ) from error
        network = EfficientNetLite0().build()
        network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        return network
