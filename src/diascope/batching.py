"""From prepared samples to predictions: batches for the network, and what fails alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Literal

import numpy as np

from diascope.contract_checks import answer_fault, score_fault
from diascope.contracts import Model, Predictor, Prepared, Resumed
from diascope.errors import ENDS, DeviceError
from diascope.file_warnings import add_file_warnings, warnings_from_facts
from diascope.partial_results import PartialResults
from diascope.plugins import failure_reason
from diascope.preparation import Part
from diascope.sample import Failed, Item, Prediction, Record, Sample, Skipped
from diascope.timing import StageTimer

_BLOCKS_KEPT = 16
"""Batches of one item's regions that are answered before they are kept."""

_Ready = tuple[Item, Sample | Failed | Skipped]
_Answered = tuple[Item, Prediction | Failed | Skipped]


@dataclass(frozen=True)
class BatchPredictor:
    """Gives batches of samples to a predictor.

    Ordinary samples share batches, whatever items they come from. An item's regions have batches
    of their own, the blocks in which they were prepared, so that an item goes on with the same
    batches after a kill.

    Attributes:
        load: returns the predictor.
        model: where it came from.
        batch: samples in a full batch.
        parts: where answers of regions are kept; None for nowhere.
    """

    load: Callable[[], Predictor]
    model: Part[Model]
    batch: int
    parts: PartialResults | None

    def predict(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[_Answered]:
        """Yield one outcome a sample, or an item's end, in order."""
        waiting: list[_Ready] = []
        samples = 0
        for item, group in groupby(prepared, key=itemgetter(0)):
            for _, part in group:
                if isinstance(part, Resumed) or _is_regions(part):
                    yield from self._flushed(waiting)
                    waiting, samples = [], 0
                    yield from self._regions(item, part, (block for _, block in group))
                    break
                for entry in (part,) if isinstance(part, Failed | Skipped) else part:
                    waiting.append((item, entry))
                    samples += isinstance(entry, Sample)
                    if samples == self.batch:
                        yield from self._flushed(waiting)
                        waiting, samples = [], 0
        yield from self._flushed(waiting)

    def _flushed(self, waiting: Sequence[_Ready]) -> Iterator[_Answered]:
        outcomes = iter(self._predicted([r for _, r in waiting if isinstance(r, Sample)]))
        for item, ready in waiting:
            yield item, next(outcomes) if isinstance(ready, Sample) else ready

    def _regions(
        self, item: Item, first: Prepared, blocks: Iterator[Prepared]
    ) -> Iterator[_Answered]:
        done, kept = 0, list[Prediction]()
        block: Prepared | None = first
        if isinstance(first, Resumed):
            assert self.parts is not None
            done = first.count
            yield from ((item, prediction) for prediction in self.parts.predictions(item, done))
            block = next(blocks, None)
        while block is not None and not isinstance(block, Failed | Skipped | Resumed):
            outcomes = self._predicted(block)
            good = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
            if len(good) < len(outcomes):
                yield item, next(each for each in outcomes if isinstance(each, Failed))
                return
            telling = list(_telling(good))
            yield from ((item, prediction) for prediction in telling)
            kept += telling
            block = next(blocks, None)
            if self.parts is not None and (block is None or len(kept) >= _BLOCKS_KEPT * self.batch):
                self.parts.add(item, done, kept)
                done, kept = done + len(kept), []
        if isinstance(block, Failed | Skipped):
            yield item, block

    def _predicted(self, samples: Sequence[Sample]) -> list[Prediction | Failed]:
        """Predict a batch; one that fails is halved until the bad sample is alone.

        Raises:
            DeviceError: if no batch can be predicted any more.
        """
        if not samples:
            return []
        predictor = self.load()
        try:
            with StageTimer("model"):
                predictions = list(predictor.predict(samples))
            if len(predictions) != len(samples):
                raise TypeError(f"expected {len(samples)} predictions, got {len(predictions)}")
            return [
                self._told(prediction, sample)
                for prediction, sample in zip(predictions, samples, strict=True)
            ]
        except (DeviceError, *ENDS):
            raise
        except BaseException as error:  # a stranger's model may raise anything
            reason = failure_reason(self.model.plugin, error)
        # no longer in the handler, whose traceback holds what the batch took of the memory
        if len(samples) == 1:
            return [Failed(samples[0].item, "model", self.model.plugin.name, reason)]
        middle = len(samples) // 2
        return self._predicted(samples[:middle]) + self._predicted(samples[middle:])

    def _told(self, prediction: Prediction, sample: Sample) -> Prediction | Failed:
        outcome = check_prediction(prediction, self.model, "model")
        if isinstance(outcome, Failed) and not np.isfinite(sample.pixels).all():
            reason = f"{outcome.reason}; nor are all pixels that the reader and the steps gave it"
            outcome = replace(outcome, reason=reason)
        return add_file_warnings(outcome, warnings_from_facts(sample.facts))


class FramePredictions:
    """The predictions of an item's frames, up to the first outcome that is none.

    Attributes:
        end: that outcome.
        fault: what was raised instead of an outcome: by nothing that aggregates them.
    """

    def __init__(self, outcomes: Iterator[Prediction | Failed | Skipped]) -> None:
        self.end: Failed | Skipped | None = None
        self.fault: Exception | None = None
        self._each = self._until_end(outcomes)

    def __iter__(self) -> Iterator[Prediction]:
        return self._each

    def _until_end(self, outcomes: Iterator[Prediction | Failed | Skipped]) -> Iterator[Prediction]:
        try:
            for outcome in outcomes:
                if not isinstance(outcome, Prediction):
                    self.end = outcome
                    return
                yield outcome
        except Exception as error:
            self.fault = error
            raise


def check_prediction(
    prediction: Prediction, model: Part[Model], stage: Literal["model", "aggregate"]
) -> Prediction | Failed:
    """Return what a model answered, or what is wrong with it.

    Raises:
        TypeError: if it is no Prediction, or not one that its card allows.
    """
    if fault := answer_fault(prediction, model.instance.card):
        raise TypeError(fault)
    if reason := score_fault(prediction):
        return Failed(prediction.item, stage, model.plugin.name, reason)
    return prediction


def drop_unwanted_evidence(record: Record, evidence: str) -> Record:
    """Return a record; if ``evidence`` is ``none``, without what a model still shows of it."""
    if evidence == "none" and isinstance(record, Prediction):
        return replace(record, preview=None, evidence=())
    return record


def _is_regions(part: Prepared) -> bool:
    return isinstance(part, Sequence) and bool(part) and part[0].region is not None


def _telling(block: Sequence[Prediction]) -> Iterator[Prediction]:
    """Leave picture and evidence only to the first of the highest score of each label, and to the
    one that weighs most."""
    names = tuple(block[0].scores) if block else ()
    tops = {max(range(len(block)), key=lambda i: block[i].scores[name]) for name in names}
    weights = {i: p.attention for i, p in enumerate(block) if p.attention is not None}
    if weights:
        tops.add(max(weights, key=weights.__getitem__))
    for index, prediction in enumerate(block):
        yield prediction if index in tops else replace(prediction, preview=None, evidence=())
