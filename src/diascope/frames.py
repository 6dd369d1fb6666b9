"""What is remembered of an item's frames while they go by: a million take little memory."""

import math
from array import array

import numpy as np
from numpy.typing import NDArray

from diascope.decision import softmax
from diascope.novelty import novelty_warnings
from diascope.sample import Overview, Prediction, Regions

_MOST = 0.9


class Frames:
    """The predictions of an item's frames, one added after the other.

    Attributes:
        count: how many.
        best: label to the first frame of its highest score.
        heaviest: the first of the highest attention; None if the model weighs all alike.
        overview: of an item that is read in regions; else None.
    """

    def __init__(self) -> None:
        self.count = 0
        self.best: dict[str, Prediction] = {}
        self.heaviest: Prediction | None = None
        self.overview: Overview | None = None
        self._scores, self._novelties, self._boxes = array("d"), array("d"), array("i")
        self._attention, self._most = array("d"), -math.inf

    def add(self, prediction: Prediction) -> None:
        """Remember one frame."""
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
        """``(count,)``: what each frame weighs by its attention, 1 in all."""
        return softmax(np.array(self._attention))

    @property
    def regions(self) -> Regions | None:
        """The scores of each region; None if the frames are whole pictures."""
        if not self._boxes:
            return None
        boxes = np.array(self._boxes, np.int32).reshape(-1, 4)
        return Regions(boxes, self.scores.astype(np.float32))

    @property
    def novelty(self) -> float | None:
        """That of the frame farthest from the training; of regions, of which some always are far,
        that within which nine of ten lie."""
        if not self._novelties:
            return None
        return float(np.quantile(self._novelties, _MOST if self._boxes else 1))

    @property
    def warnings(self) -> tuple[str, ...]:
        if self._boxes and (self.novelty or 0) <= 1:
            return ()
        return novelty_warnings(self._novelties, what="regions" if self._boxes else "frames")
