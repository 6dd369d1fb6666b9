"""Networks on a GPU; without one, the code that leads there."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from diascope.engines.torch import ReferenceEngine, TorchEngine
from diascope.torch_process import disable_tf32
from tests.engines.networks import classifier, pictures

ERRORS = {"float32": 1e-4, "float16": 0.005, "bfloat16": 0.03}
"""The tolerance for rounding, as a fraction of the largest number."""


def test_pictures_are_copied_from_pinned_memory_while_the_previous_ones_are_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, card = classifier("convnet")
    engine = TorchEngine(network, card, "cpu", "float32", compiled=False)
    seen, told = pictures(card, 70), list[str]()
    right = engine.run(seen)

    @contextmanager
    def on(stream: str) -> Iterator[None]:
        told.append(f"on {stream}")
        yield
        told.append("back")

    def pinned(tensor: torch.Tensor) -> torch.Tensor:
        told.append(f"pinned {len(tensor)}")
        return tensor

    current = SimpleNamespace(wait_stream=lambda stream: told.append(f"waits for {stream}"))
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: current)
    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: told.append("kept"))
    engine._graph.register_forward_pre_hook(lambda _, part: told.append(f"computes {len(part[0])}"))
    monkeypatch.setattr(engine, "_copies", "copies")
    answered = engine.run(seen)

    copied = ["on copies", "pinned {}", "back", "waits for copies", "kept", "computes {}"]
    assert told == [each.format(count) for count in (32, 32, 6) for each in copied]
    np.testing.assert_allclose(answered.logits, right.logits, atol=1e-5)


def test_tf32_is_disabled_on_cuda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    disable_tf32("cpu")
    assert torch.backends.cudnn.allow_tf32
    disable_tf32("cuda:1")
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ERRORS)
@pytest.mark.parametrize("backbone", ["convnet", "efficientnet-lite0"])
def test_a_gpu_answers_as_the_reference_on_the_processor(backbone: str, precision: str) -> None:
    network, card = classifier(backbone)
    seen = pictures(card, 70)  # copied in three parts
    right = ReferenceEngine(network, card, "cpu").run(seen)
    engine = TorchEngine(network.to("cuda"), card, "cuda", precision, compiled=False)
    for answered in (engine.run(seen), engine.run(seen)):
        for name in ("logits", "maps", "pooled"):
            ours, theirs = getattr(answered, name), getattr(right, name)
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).max() <= ERRORS[precision] * np.abs(theirs).max(), name


@pytest.mark.gpu
def test_after_a_batch_that_does_not_fit_a_gpu_accepts_a_smaller_one() -> None:
    network, card = classifier("convnet", size=(512, 512))
    engine = ReferenceEngine(network.to("cuda"), card, "cuda")
    whole = torch.cuda.get_device_properties("cuda").total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(400e6 / whole)
    try:
        with pytest.raises(torch.cuda.OutOfMemoryError):  # 256 pictures are 805 MB
            engine.run(pictures(card, 256))
        assert engine.run(pictures(card, 8)).logits.shape == (8, 3)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
