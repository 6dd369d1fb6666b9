"""Several devices share every batch; a device that fails costs only its speed."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from diascope.engines.multi_device import DevicePredictor, MultiDevicePredictor
from diascope.errors import DeviceError
from diascope.sample import Item, Prediction, Sample

BAD = 13


@dataclass
class Device:
    """Predicts the number in a sample; may have too little memory, or be broken."""

    room: int = 100
    broken: bool = False
    meeting: threading.Barrier | None = None
    batches: list[list[int]] = field(default_factory=list)

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        values = [int(sample.pixels.max()) for sample in samples]
        self.batches.append(values)
        if self.meeting is not None:
            self.meeting.wait(timeout=20)
        if self.broken:
            raise RuntimeError("unspecified launch failure")
        if len(values) > self.room:
            raise MemoryError(f"{len(values)} are too many")
        if BAD in values:
            raise ValueError("an unlucky number")
        return [
            Prediction(sample.item, {"a": v / 100}, "softmax", ("a",))
            for sample, v in zip(samples, values, strict=True)
        ]

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        return next(predictions)


@pytest.fixture
def samples(make_item: Callable[..., Item]) -> list[Sample]:
    item = make_item(b"", "a.txt")
    return [Sample(item, np.full((1, 1, 1), value, np.uint8)) for value in range(20)]


def spread(*devices: Device) -> tuple[MultiDevicePredictor, list[str]]:
    """Return a predictor on devices named a, b, ..., and the list of its reports."""
    told: list[str] = []
    places = [DevicePredictor(name, device) for name, device in zip("abcd", devices, strict=False)]

    def tell(device: str, error: Exception) -> None:
        told.append(f"{device}: {error}")

    return MultiDevicePredictor(places, tell), told


def answers(predictions: Sequence[Any]) -> list[int]:
    return [round(100 * prediction.scores["a"]) for prediction in predictions]


def test_contiguous_parts_run_at_the_same_time_and_come_back_in_order(
    samples: list[Sample],
) -> None:
    meeting = threading.Barrier(2)  # passes only if both are at work
    first, second = Device(meeting=meeting), Device(meeting=meeting)
    together, told = spread(first, second)

    assert answers(together.predict(samples[:7])) == [0, 1, 2, 3, 4, 5, 6]
    assert (first.batches, second.batches) == ([[0, 1, 2]], [[3, 4, 5, 6]])
    assert told == []


def test_fewer_samples_than_devices_leave_the_last_ones_idle(samples: list[Sample]) -> None:
    devices = Device(), Device(), Device()

    assert answers(spread(*devices)[0].predict(samples[:2])) == [0, 1]
    assert [device.batches for device in devices] == [[[0]], [[1]], []]


def test_a_part_that_does_not_fit_is_halved_on_its_own_device(samples: list[Sample]) -> None:
    roomy, small = Device(), Device(room=2)
    together, told = spread(roomy, small)

    assert answers(together.predict(samples[:8])) == list(range(8))
    assert roomy.batches == [[0, 1, 2, 3]]
    assert small.batches == [[4, 5, 6, 7], [4, 5], [6, 7]]
    assert told == []


def test_a_device_that_fails_alone_is_dropped_with_a_report_and_no_answer_is_lost(
    samples: list[Sample],
) -> None:
    good, broken = Device(), Device(broken=True)
    together, told = spread(broken, good)

    assert answers(together.predict(samples[:4])) == [0, 1, 2, 3]
    assert told == ["a: unspecified launch failure"]
    broken.batches.clear()
    assert answers(together.predict(samples[4:8])) == [4, 5, 6, 7]
    assert (broken.batches, good.batches[-1]) == ([], [4, 5, 6, 7])


def test_a_sample_that_no_device_can_predict_drops_no_device(samples: list[Sample]) -> None:
    together, told = spread(Device(), Device())

    with pytest.raises(ValueError, match="an unlucky number"):
        together.predict(samples)
    assert told == []
    assert answers(together.predict(samples[:8])) == list(range(8))


def test_when_all_devices_fail_the_first_error_is_raised(samples: list[Sample]) -> None:
    together, told = spread(Device(broken=True), Device(broken=True))

    with pytest.raises(RuntimeError, match="unspecified launch failure"):
        together.predict(samples)
    assert told == []


def test_a_device_that_failed_permanently_is_not_used_again(samples: list[Sample]) -> None:
    class Dead(Device):
        def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
            self.batches.append([])
            raise DeviceError("cuda:1 failed")

    dead = Dead()
    together, told = spread(Device(), dead)

    assert answers(together.predict(samples[:8])) == list(range(8))
    assert (len(dead.batches), told) == (1, ["b: cuda:1 failed"])


def test_a_sample_that_fails_beside_a_failed_device_is_itself_at_fault(
    samples: list[Sample],
) -> None:
    class Dead(Device):
        def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
            raise DeviceError("cuda:1 failed")

    together, told = spread(Device(), Dead())
    with pytest.raises(ValueError, match="an unlucky number"):
        together.predict(samples[10:16])
    assert told == ["b: cuda:1 failed"]
    assert answers(together.predict(samples[:4])) == [0, 1, 2, 3]
