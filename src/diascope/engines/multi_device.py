"""Several devices of one machine, each with the whole model, share every batch."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any, NamedTuple

from diascope.contracts import Predictor
from diascope.errors import DeviceError
from diascope.sample import Item, Prediction, Sample


class DevicePredictor(NamedTuple):
    """A device, such as ``cuda:0``, and the model as it was loaded there."""

    device: str
    predictor: Predictor


class MultiDevicePredictor:
    """Gives each place a contiguous part of a batch, all at the same time.

    A part that does not fit into a device's memory is halved there until it does. A place that
    fails on a part which another one answers is left out from then on; no answer is lost.

    Args:
        places: one device may have several.
        tell: is called with the device of each place that is left out, and its error.
    """

    def __init__(
        self, places: Sequence[DevicePredictor], tell: Callable[[str, Exception], None]
    ) -> None:
        self._places, self._tell = list(places), tell
        self._first = places[0].predictor
        self._pool = ThreadPoolExecutor(len(places), "device")

    @property
    def execution(self) -> Any:
        """What the model says of its engine, which is the same in all places."""
        return getattr(self._first, "execution", None)

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        """Return one Prediction for each Sample, in order.

        Raises:
            Exception: what a place raised for samples that no other place answers either.
        """
        parts = _parts(samples, len(self._places))
        tasks = [
            (place, part, self._pool.submit(_halved, place.predictor, part))
            for place, part in zip(self._places, parts, strict=False)
        ]
        wait([task for _, _, task in tasks])
        answers: list[Prediction] = []
        for place, part, task in tasks:
            try:
                answers += task.result()
            except Exception as error:  # a plugin may raise anything
                answers += self._elsewhere(place, part, error)
        return answers

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        """Return the item's answer."""
        return self._first.aggregate(item, predictions)

    def _elsewhere(
        self, failed: DevicePredictor, part: Sequence[Sample], error: Exception
    ) -> list[Prediction]:
        """Have a part answered that failed; if that can be done, the fault was the place's."""
        for place in self._places:
            if place is failed:
                continue
            try:
                answers = _halved(place.predictor, part)
            except Exception as other:  # then the first error is the one to tell
                if isinstance(error, DeviceError) and not isinstance(other, DeviceError):
                    self._leave_out(failed, error)
                    raise
                continue
            self._leave_out(failed, error)
            return answers
        raise error

    def _leave_out(self, place: DevicePredictor, error: Exception) -> None:
        self._places.remove(place)
        self._tell(place.device, error)


def _parts(samples: Sequence[Sample], count: int) -> list[Sequence[Sample]]:
    """Return contiguous parts, as many as there are places and samples, of nearly equal size."""
    count = min(count, len(samples))
    bounds = [len(samples) * number // count for number in range(count + 1)]
    return [samples[start:stop] for start, stop in pairwise(bounds)]


def _halved(predictor: Predictor, samples: Sequence[Sample]) -> list[Prediction]:
    try:
        return list(predictor.predict(samples))
    except DeviceError:
        raise
    except Exception:  # what memory lacks has as many names as there are devices
        if len(samples) == 1:
            raise
    middle = len(samples) // 2
    return _halved(predictor, samples[:middle]) + _halved(predictor, samples[middle:])
