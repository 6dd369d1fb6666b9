"""A whole network of another project, with the head that it was trained with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diascope import Label, ModelCard, Prediction
from diascope.decision import decide
from diascope.network_input import to_network_input

CARD = ModelCard(
    name="findings",
    task="multilabel",
    labels=(Label("opacity", operating_point=0.4), Label("effusion", operating_point=0.5)),
    score_kind="sigmoid",
    size=(64, 64),
    mean=(0.5,),
    std=(0.25,),
    backbone="",
)


@dataclass(frozen=True)
class Findings:
    """MONAI's DenseNet-121 for two findings in grey pictures.

    Args:
        weights: the file of its state dict.
    """

    weights: Path
    api = (1, 0)
    card = CARD

    def load(self, runtime):
        import torch
        from monai.networks.nets import DenseNet121

        network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=2)
        network.load_state_dict(torch.load(self.weights, map_location="cpu", weights_only=True))
        return FindingsPredictor(network.to(runtime.device).eval(), runtime.device)


@dataclass(frozen=True)
class FindingsPredictor:
    """The network on a device."""

    network: Any
    device: str

    def predict(self, samples):
        import torch

        units = np.stack([to_network_input(sample, CARD.size, CARD.channels) for sample in samples])
        normal = torch.from_numpy((units - np.float32(CARD.mean)) / np.float32(CARD.std))
        with torch.inference_mode():
            rows = self.network(normal.movedim(3, 1).to(self.device)).sigmoid().tolist()
        return [self._answer(*each) for each in zip(samples, units, rows, strict=True)]

    def _answer(self, sample, unit, row):
        scores = dict(zip(CARD.names, row, strict=True))
        return Prediction(
            item=sample.item,
            scores=scores,
            score_kind=CARD.score_kind,
            predicted=decide(scores, CARD),
            preview=np.rint(unit * 255).astype(np.uint8).repeat(3, axis=2),
            trace=(*sample.trace, "normalised by the card"),
            region=sample.region,
            overview=sample.overview,
        )

    def aggregate(self, item, predictions):
        return next(predictions)  # of several frames, the first one
