"""What all tests share, those of the plugins too."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny batches; read when torch is imported

settings.register_profile("unhurried", deadline=None)  # no test is about time
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is found out about engines apart from that of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIASCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
