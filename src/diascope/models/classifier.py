"""The model plugin for classifiers written by `pipeline train`."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

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
    top_k: Annotated[int, Ge(1)] = 5
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
            top_k=self.top_k,
            test_time=self.test_time,
        )
