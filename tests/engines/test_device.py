"""The choice of devices."""

from types import SimpleNamespace

import pytest
import torch

from diascope.engines import device
from diascope.engines.device import choose_device, choose_devices


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there are two GPUs."""
    monkeypatch.setattr(device, "_may_have_accelerator", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is no GPU."""
    monkeypatch.setattr(device, "_may_have_accelerator", lambda: False)


@pytest.mark.usefixtures("two_gpus")
def test_all_is_every_accelerator_and_auto_the_first() -> None:
    assert choose_devices("all") == ("cuda:0", "cuda:1")
    assert choose_device("auto") == "cuda"


@pytest.mark.usefixtures("no_gpu")
def test_without_an_accelerator_all_and_auto_are_one_cpu() -> None:
    assert choose_devices("all") == ("cpu",)
    assert choose_device("auto") == "cpu"


def test_a_list_is_used_as_written_with_repetitions() -> None:
    assert choose_devices(["cpu", "cpu"]) == ("cpu", "cpu")


def test_the_cpu_has_no_number() -> None:
    assert choose_device("cpu:0") == "cpu"
    assert choose_devices(["cpu:0", "cpu"]) == ("cpu", "cpu")


def test_a_device_that_fails_later_still_counts_as_available(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)
    assert choose_device("cuda:41") == "cuda:41"
    monkeypatch.setattr(torch, "empty", lost)
    assert choose_device("cuda:41") == "cuda:41"  # as run.json names it


@pytest.mark.parametrize("missing", ["cuda:97", "gpu", "auto", "all"])
def test_a_device_that_is_not_there_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=f"the device '{missing}' is not on this machine"):
        choose_devices(["cpu", missing])


def test_devices_of_several_kinds_are_refused_as_no_engine_serves_them_all() -> None:
    with pytest.raises(ValueError, match="must be of one kind, got cpu, meta"):
        choose_devices(["cpu", "meta"])


def test_a_device_is_described_by_its_properties_if_it_has_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert device.describe_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    card = SimpleNamespace(
        name="A100", major=8, minor=0, total_memory=40, multi_processor_count=108, uuid="its own"
    )
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    assert (
        device.describe_device("cuda:1")
        == device.describe_device("cuda")
        == "cuda ('A100', (8, 0), 40, 108)"
    )
