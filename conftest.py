"""What all tests share, those of the plugins too."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny batches; read when torch is imported

settings.register_profile("unhurried", deadline=None)  # no test is about time
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hide GPUs from tests that are not about them, and from the processes that they start.

    Otherwise ``devices: auto`` would start the command of this process, pytest, once for each GPU.
    """
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("gpu") is None:
            patch.setenv("CUDA_VISIBLE_DEVICES", "")
            if torch := sys.modules.get("torch"):  # imported with the tests
                patch.setattr(torch.cuda, "is_available", lambda: False)
                patch.setattr(torch.cuda, "device_count", lambda: 0)
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that need more GPUs than there are."""
    if marker := item.get_closest_marker("gpu"):
        import torch

        count = marker.args[0] if marker.args else 1
        if torch.cuda.device_count() < count:
            pytest.skip(f"needs {count} CUDA device(s)")


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is found out about engines apart from that of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIASCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
