"""Share each batch among several devices of one machine, which all hold the whole model."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any, NamedTuple

from diascope.contracts import Predictor
from diascope.errors import DeviceError
from diascope.sample import Item, Prediction, Sample


class DevicePredictor(NamedTuple):
    """A device, such as ``cuda:0``, and the model that was loaded there."""

    device: str
    predictor: Predictor


class MultiDevicePredictor:
    """Predicts contiguous parts of a batch on several devices in parallel.

    A part that does not fit into a device's memory is halved until it does. A device that fails on
    a part which another one can predict is not used any more; no prediction is lost.

    Args:
        devices: the devices with their models; a device may appear several times.
        on_drop: called with the name and the error of each device that is dropped.
    """

    def __init__(
        self, devices: Sequence[DevicePredictor], on_drop: Callable[[str, Exception], None]
    ) -> None:
        self._devices, self._on_drop = list(devices), on_drop
        self._first = devices[0].predictor
        self._pool = ThreadPoolExecutor(len(devices), "device")

    @property
    def execution(self) -> Any:
        """The engine that the model reports, which is the same on all devices."""
        return getattr(self._first, "execution", None)

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        """Return one Prediction for each Sample, in order.

        Raises:
            Exception: what a device raised for samples that no other device can predict either.
        """
        parts = _split(samples, len(self._devices))
        tasks = [
            (device, part, self._pool.submit(_predict_halving, device.predictor, part))
            for device, part in zip(self._devices, parts, strict=False)
        ]
        wait([task for _, _, task in tasks])
        answers: list[Prediction] = []
        for device, part, task in tasks:
            try:
                answers += task.result()
            except Exception as error:  # a plugin may raise anything
                answers += self._predict_elsewhere(device, part, error)
        return answers

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        """Return the item's answer."""
        return self._first.aggregate(item, predictions)

    def _predict_elsewhere(
        self, failed: DevicePredictor, part: Sequence[Sample], error: Exception
    ) -> list[Prediction]:
        """Predict a failed part on another device; if that works, drop the device that failed."""
        for device in self._devices:
            if device is failed:
                continue
            try:
                answers = _predict_halving(device.predictor, part)
            except Exception as other:  # report the first error
                if isinstance(error, DeviceError) and not isinstance(other, DeviceError):
                    self._drop(failed, error)
                    raise
                continue
            self._drop(failed, error)
            return answers
        raise error

    def _drop(self, device: DevicePredictor, error: Exception) -> None:
        self._devices.remove(device)
        self._on_drop(device.device, error)


def _split(samples: Sequence[Sample], count: int) -> list[Sequence[Sample]]:
    """Return at most ``count`` non-empty contiguous parts of nearly equal size."""
    count = min(count, len(samples))
    bounds = [len(samples) * number // count for number in range(count + 1)]
    return [samples[start:stop] for start, stop in pairwise(bounds)]


def _predict_halving(predictor: Predictor, samples: Sequence[Sample]) -> list[Prediction]:
    try:
        return list(predictor.predict(samples))
    except DeviceError:
        raise
    except Exception:  # every kind of device has its own out-of-memory error
        if len(samples) == 1:
            raise
    middle = len(samples) // 2
    halves = samples[:middle], samples[middle:]
    return [answer for half in halves for answer in _predict_halving(predictor, half)]
