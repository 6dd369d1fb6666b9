"""Collect the predictions of an item's frames one by one, in little memory even for a million."""

import math
from array import array

import numpy as np
from numpy.typing import NDArray

from diascope.decision import softmax
from diascope.novelty import novelty_warnings
from diascope.sample import Overview, Prediction, Regions

_NOVELTY_QUANTILE = 0.9
"""Of a thousand frames or regions, some always lie far from the training pictures."""


class Frames:
    """The predictions of an item's frames, added one by one.

    Attributes:
        count: the number of frames.
        best: label to the first frame with its highest score.
        heaviest: the first frame with the highest attention; None if the model weighs all equally.
        overview: the item's overview if it is read in regions; else None.
    """

    def __init__(self) -> None:
        self.count = 0
        self.best: dict[str, Prediction] = {}
        self.heaviest: Prediction | None = None
        self.overview: Overview | None = None
        self._scores, self._novelties, self._boxes = array("d"), array("d"), array("i")
        self._attention, self._most = array("d"), -math.inf

    def add(self, prediction: Prediction) -> None:
        """Add the prediction of one frame."""
        for name, score in prediction.scores.items():
            if name not in self.best or score > self.best[name].scores[name]:
                self.best[name] = prediction
        self.count += 1
        self._scores.extend(prediction.scores.values())
        if prediction.novelty is not None:
            self._novelties.append(prediction.novelty)
        if prediction.attention is not None:
            if prediction.attention > self._most:
                self.heaviest, self._most = prediction, prediction.attention
            self._attention.append(prediction.attention)
        if (region := prediction.region) is not None:
            self._boxes.extend((region.x, region.y, region.width, region.height))
        self.overview = self.overview or prediction.overview

    @property
    def scores(self) -> NDArray[np.float64]:
        """``(count, L)``."""
        return np.array(self._scores).reshape(self.count, -1)

    @property
    def weights(self) -> NDArray[np.float64]:
        """``(count,)``: the attention weight of each frame; they sum to 1."""
        return softmax(np.array(self._attention))

    @property
    def regions(self) -> Regions | None:
        """The boxes, scores and weights of the regions; None if the frames are whole pictures."""
        if not self._boxes:
            return None
        boxes = np.array(self._boxes, np.int32).reshape(-1, 4)
        attention = self.weights.astype(np.float32) if self._attention else None
        return Regions(boxes, self.scores.astype(np.float32), attention)

    @property
    def noun(self) -> str:
        """What the frames are called: regions, if they are parts of one picture."""
        return ("region" if self._boxes else "frame") + ("s" if self.count > 1 else "")

    @property
    def novelty(self) -> float | None:
        """The novelty that a tenth of the frames or regions at most exceed; None if unknown."""
        if not self._novelties:
            return None
        return float(np.quantile(self._novelties, _NOVELTY_QUANTILE, method="inverted_cdf"))

    @property
    def warnings(self) -> tuple[str, ...]:
        if (self.novelty or 0) <= 1:
            return ()
        return novelty_warnings(self._novelties, what="regions" if self._boxes else "frames")
