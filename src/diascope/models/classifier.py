"""The model plugin for classifiers written by `pipeline train`."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from diascope.card import ModelCard, read_card
from diascope.contracts import Predictor, Runtime


@dataclass(frozen=True)
class ClassifierModel:
    """A backbone, a head and a card from a weights folder.

    Args:
        weights: the folder with ``model.safetensors`` and ``card.yaml``.
        aggregate: how an item's frames or regions become one answer. ``card`` is how the head was
            trained, by attention or by the mean; ``area`` is the fraction of frames or regions that
            a label is predicted for.
        top_k: the number of frames per label for ``top-k``.
        test_time: ``flips`` averages over the picture and its three mirror images; ``card`` does
            what was used in training.
    """

    weights: Path
    aggregate: Literal["card", "mean", "max", "top-k", "area"] = "card"
    top_k: int = 5
    test_time: Literal["card", "none", "flips"] = "card"
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {self.top_k}")

    @cached_property
    def card(self) -> ModelCard:
        return read_card(self.weights)

    def load(self, runtime: Runtime) -> Predictor:
        from diascope.classifier import load_classifier

        options: dict[str, Any] = {
            "aggregation": self.aggregate,
            "top_k": self.top_k,
            "test_time": self.test_time,
        }
        return load_classifier(self.weights, self.card, runtime, **options)
