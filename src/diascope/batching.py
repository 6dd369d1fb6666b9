"""Predict prepared samples in batches; a batch that fails is halved to isolate the bad sample."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Literal

from diascope.contract_checks import answer_fault, score_fault
from diascope.contracts import Model, Predictor, Prepared, Resumed
from diascope.errors import ENDS, DeviceError
from diascope.file_warnings import add_file_warnings, warnings_from_file
from diascope.partial_results import PartialResults
from diascope.plugins import failure_reason
from diascope.preparation import Part
from diascope.sample import Failed, Item, Prediction, Record, Sample, Skipped
from diascope.timing import StageTimer

_BATCHES_PER_SAVE = 16
"""After how many batches of an item's regions the predictions are saved."""

_Ready = tuple[Item, Sample | Failed | Skipped]
_Outcome = tuple[Item, Prediction | Failed | Skipped]


@dataclass(frozen=True)
class BatchPredictor:
    """Passes batches of samples to a predictor.

    Ordinary samples of different items share batches. The regions of an item have batches of their
    own, the blocks in which they were prepared, so that a killed run resumes within the item with
    the same batches.

    Attributes:
        load: returns the predictor.
        model: the plugin that the predictor comes from.
        batch: the number of samples in a full batch.
        partial_results: where the predictions of regions are saved; None to save none.
    """

    load: Callable[[], Predictor]
    model: Part[Model]
    batch: int
    partial_results: PartialResults | None

    def predict(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[_Outcome]:
        """Yield one outcome for each sample, or the record of an item without samples, in order."""
        waiting: list[_Ready] = []
        samples = 0
        for item, group in groupby(prepared, key=itemgetter(0)):
            for _, part in group:
                if isinstance(part, Resumed) or _is_regions(part):
                    yield from self._flush(waiting)
                    waiting, samples = [], 0
                    yield from self._predict_regions(item, part, (block for _, block in group))
                    break
                for entry in (part,) if isinstance(part, Failed | Skipped) else part:
                    waiting.append((item, entry))
                    samples += isinstance(entry, Sample)
                    if samples == self.batch:
                        yield from self._flush(waiting)
                        waiting, samples = [], 0
        yield from self._flush(waiting)

    def _flush(self, waiting: Sequence[_Ready]) -> Iterator[_Outcome]:
        outcomes = iter(self._predict_batch([r for _, r in waiting if isinstance(r, Sample)]))
        for item, ready in waiting:
            yield item, next(outcomes) if isinstance(ready, Sample) else ready

    def _predict_regions(
        self, item: Item, first: Prepared, blocks: Iterator[Prepared]
    ) -> Iterator[_Outcome]:
        done, unsaved = 0, list[Prediction]()
        block: Prepared | None = first
        if isinstance(first, Resumed):
            assert self.partial_results is not None
            done = first.count
            earlier = self.partial_results.predictions(item, done)
            yield from ((item, prediction) for prediction in earlier)
            block = next(blocks, None)
        while block is not None and not isinstance(block, Failed | Skipped | Resumed):
            outcomes = self._predict_batch(block)
            good = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
            if len(good) < len(outcomes):
                yield item, next(each for each in outcomes if isinstance(each, Failed))
                return
            reduced = list(_drop_pictures(good))
            yield from ((item, prediction) for prediction in reduced)
            unsaved += reduced
            block = next(blocks, None)
            full = len(unsaved) >= _BATCHES_PER_SAVE * self.batch
            if self.partial_results is not None and (block is None or full):
                self.partial_results.add(item, done, unsaved)
                done, unsaved = done + len(unsaved), []
        if isinstance(block, Failed | Skipped):
            yield item, block

    def _predict_batch(self, samples: Sequence[Sample]) -> list[Prediction | Failed]:
        """Predict a batch. If it fails, halve it until the bad sample is isolated.

        Raises:
            DeviceError: if the device can predict nothing more.
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
                self._check(prediction, sample)
                for prediction, sample in zip(predictions, samples, strict=True)
            ]
        except (DeviceError, *ENDS):
            raise
        except BaseException as error:  # a plugin may raise anything
            reason = failure_reason(self.model.plugin, error)
        # outside of the handler: its traceback keeps the memory of the failed batch allocated
        if len(samples) == 1:
            return [Failed(samples[0].item, "model", self.model.plugin.name, reason)]
        middle = len(samples) // 2
        return self._predict_batch(samples[:middle]) + self._predict_batch(samples[middle:])

    def _check(self, prediction: Prediction, sample: Sample) -> Prediction | Failed:
        outcome = check_prediction(prediction, self.model, "model")
        return add_file_warnings(outcome, warnings_from_file(sample))


class FramePredictions:
    """Iterates over the predictions of an item's frames, up to the first other outcome.

    Attributes:
        end: that outcome; None if all are predictions.
        fault: the exception raised by the iterator of outcomes, as opposed to one raised by the
            model that consumes them.
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
    """Return a model's prediction, or Failed if one of its scores is not a finite number.

    Raises:
        TypeError: if it is not a Prediction, or does not match the model's card.
    """
    if fault := answer_fault(prediction, model.instance.card):
        raise TypeError(fault)
    if reason := score_fault(prediction):
        return Failed(prediction.item, stage, model.plugin.name, reason)
    return prediction


def drop_unwanted_evidence(record: Record, evidence: str) -> Record:
    """Return a record; if ``evidence`` is ``none``, without preview and evidence."""
    if evidence == "none" and isinstance(record, Prediction):
        return replace(record, preview=None, evidence=())
    return record


def _is_regions(part: Prepared) -> bool:
    return isinstance(part, Sequence) and bool(part) and part[0].region is not None


def _drop_pictures(block: Sequence[Prediction]) -> Iterator[Prediction]:
    """Keep preview and evidence only for the first region with the highest score of each label and
    for the one with the largest attention weight."""
    names = tuple(block[0].scores) if block else ()
    tops = {max(range(len(block)), key=lambda i: block[i].scores[name]) for name in names}
    weights = {i: p.attention for i, p in enumerate(block) if p.attention is not None}
    if weights:
        tops.add(max(weights, key=weights.__getitem__))
    for index, prediction in enumerate(block):
        yield prediction if index in tops else replace(prediction, preview=None, evidence=())
