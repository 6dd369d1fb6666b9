"""The model ``derm-lesion``: seven kinds of pigmented skin lesions."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from diascope.card import ModelCard, read_card
from diascope.contracts import Predictor, Runtime

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class DermLesion:
    """Actinic keratosis, basal cell carcinoma, benign keratosis, dermatofibroma, melanoma, nevus,
    vascular lesion, in dermoscopy; the classes of HAM10000.

    Args:
        weights: a folder that `pipeline train` wrote; the package's own if not given.
        aggregate: how the frames of one item become one answer.
        test_time: ``flips`` averages over the picture and its three mirror images; ``card`` does
            as in training.
    """

    weights: Path = WEIGHTS
    aggregate: Literal["mean", "max", "top-k"] = "mean"
    test_time: Literal["card", "none", "flips"] = "card"
    api: ClassVar = (1, 0)

    @cached_property
    def card(self) -> ModelCard:
        return read_card(self.weights)

    def load(self, runtime: Runtime) -> Predictor:
        from diascope.classifier import load_classifier

        return load_classifier(
            self.weights,
            self.card,
            runtime,
            aggregation=self.aggregate,
            test_time=self.test_time,
        )
