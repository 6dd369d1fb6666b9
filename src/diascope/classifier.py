"""Backbone, head and card as the Predictor that most domains need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diascope.aggregation import Aggregation, aggregated
from diascope.card import ModelCard
from diascope.contracts import Runtime
from diascope.decision import decide, scores_of
from diascope.engines.torch import Outputs, execute
from diascope.network import Network, load_network
from diascope.sample import Evidence, Item, Prediction, Sample

Augmentation = Literal["none", "flips"]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A loaded network that answers for batches of samples.

    Attributes:
        aggregate: how the frames of an item become one answer.
        top_k: frames a label for ``top-k``.
        test_time: ``flips`` averages the scores of the picture and its three mirror images.
    """

    network: Network
    card: ModelCard
    runtime: Runtime
    aggregation: Aggregation = "mean"
    top_k: int = 5
    test_time: Augmentation = "none"

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        """Return one Prediction for each Sample.

        Raises:
            ValueError: if a sample does not have the size or the channels that the card names.
        """
        units = [self._unit(sample) for sample in samples]
        outputs, scores = self._scores(np.stack(units))
        return [
            self._prediction(sample, unit, scores[index], outputs, index)
            for index, (sample, unit) in enumerate(zip(samples, units, strict=True))
        ]

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        """Return the item's answer; evidence and picture are those of its most telling frame."""
        first = next(predictions)
        best, rows = first, [_row(first)]
        for prediction in predictions:
            rows.append(_row(prediction))
            if max(rows[-1]) > max(_row(best)):
                best = prediction
        if len(rows) == 1:
            return first
        combined = aggregated(
            rows, self.aggregation, self.top_k, sums_to_one=self.card.task != "multilabel"
        )
        scores = dict(zip(self.card.names, combined.tolist(), strict=True))
        note = f"{len(rows)} frames aggregated by {self.aggregation}"
        return replace(
            best,
            scores=scores,
            predicted=decide(scores, self.card),
            samples=len(rows),
            trace=(*best.trace, note),
        )

    def _unit(self, sample: Sample) -> NDArray[np.float32]:
        """Return ``(H, W, C)`` in [0, 1], of the card's size and channels."""
        unit = sample.unit()
        if unit.shape[:2] != tuple(self.card.size):
            height, width = self.card.size
            raise ValueError(
                f"the model takes pictures of {width}x{height}, got {unit.shape[1]}x"
                f"{unit.shape[0]}; add `resize: {{size: [{height}, {width}]}}` to preprocess"
            )
        if unit.shape[2] == 1 and self.card.channels == 3:
            return np.repeat(unit, 3, axis=2)
        if unit.shape[2] != self.card.channels:
            raise ValueError(f"the model takes {self.card.channels} channels, got {unit.shape[2]}")
        return unit

    def _scores(self, units: NDArray[np.float32]) -> tuple[Outputs, NDArray[np.float64]]:
        mean, std = (np.array(each, np.float32) for each in (self.card.mean, self.card.std))
        normal = (units - mean) / std
        batch = np.ascontiguousarray(np.moveaxis(normal, 3, 1))
        maps = self.runtime.evidence != "none"
        outputs = execute(self.network, batch, self.runtime.device, maps=maps)
        scores = scores_of(outputs.logits, self.card)
        if self.test_time == "none":
            return outputs, scores
        for axes in ((2,), (3,), (2, 3)):
            mirrored = np.ascontiguousarray(np.flip(batch, axes))
            other = execute(self.network, mirrored, self.runtime.device, maps=False)
            scores = scores + scores_of(other.logits, self.card)
        return outputs, scores / 4

    def _prediction(
        self,
        sample: Sample,
        unit: NDArray[np.float32],
        row: NDArray[np.float64],
        outputs: Outputs,
        index: int,
    ) -> Prediction:
        scores = dict(zip(self.card.names, row.tolist(), strict=True))
        predicted = decide(scores, self.card)
        notes = ["normalised by the card"]
        if sample.pixels.shape[2] < self.card.channels:
            notes.insert(0, "grey repeated to 3 channels")
        if self.test_time == "flips":
            notes.append("scores averaged over 4 mirror images")
        keeps = self.runtime.evidence != "none"
        return Prediction(
            item=sample.item,
            scores=scores,
            score_kind=self.card.score_kind,
            predicted=predicted,
            evidence=self._evidence(outputs, index, scores, predicted) if keeps else (),
            preview=np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8) if keeps else None,
            trace=(*sample.trace, *notes),
        )

    def _evidence(
        self,
        outputs: Outputs,
        index: int,
        scores: dict[str, float],
        predicted: tuple[str, ...],
    ) -> tuple[Evidence, ...]:
        names = self.card.names
        if self.card.task == "binary":  # one logit: it speaks for the positive label
            shown = names[1:]
            columns = {names[1]: 0}
        else:
            top = max(names, key=lambda name: scores[name])
            wanted = names if self.runtime.evidence == "all" else (*predicted, top)
            shown = tuple(name for name in names if name in wanted)
            columns = {name: column for column, name in enumerate(names)}
        assert outputs.maps is not None
        return tuple(
            Evidence(
                label=name,
                map=outputs.maps[index, columns[name]].copy(),
                logit=float(outputs.logits[index, columns[name]]),
                bias=float(outputs.bias[columns[name]]),
            )
            for name in shown
        )


def load_classifier(
    directory: Path,
    card: ModelCard,
    runtime: Runtime,
    *,
    aggregation: Aggregation = "mean",
    top_k: int = 5,
    test_time: Augmentation = "none",
) -> Classifier:
    """Load the network of a weights folder.

    Raises:
        WeightsError: if the weights are missing, damaged or do not fit.
    """
    backbone = runtime.backbone(card.backbone, card.backbone_parameters)
    network = load_network(card, directory, backbone, runtime.device)
    return Classifier(network, card, runtime, aggregation, top_k, test_time)


def _row(prediction: Prediction) -> NDArray[np.float64]:
    return np.array(list(prediction.scores.values()))
