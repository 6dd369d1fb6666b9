"""A Ray cluster of two nodes on this machine, and items for it."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from diascope.contracts import Work
from diascope.sample import Item, Record
from diascope_ray.executor import RayExecutor

HERE = str(Path(__file__).parent)
Carry = Callable[..., list[Record]]
sys.path.insert(0, HERE)  # so that what is pickled here has the name that it has on the nodes


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes with two cores each, joined by this process."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", HERE, prepend=os.pathsep)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        cluster.add_node(num_cpus=2)
        ray.init(cluster.address, log_to_driver=False)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An empty file in which ``OddWork`` logs what it reads."""
    path = tmp_path / "log"
    path.touch()
    return path


@pytest.fixture
def items(tmp_path: Path) -> Callable[..., list[Item]]:
    """Return a function from names to items whose files exist."""

    def make(*names: str) -> list[Item]:
        for name in names:
            (tmp_path / name).touch()
        return [Item(name, str(tmp_path / name)) for name in names]

    return make


@pytest.fixture
def carry(cluster: Any) -> Carry:
    """Return a function that runs work on the cluster, in chunks of four items."""

    def carry(work: Work, items: list[Item], **options: Any) -> list[Record]:
        chunks = [items[start : start + 4] for start in range(0, len(items), 4)]
        ran = RayExecutor(**{"cpus_per_actor": 1} | options).run(work, iter(chunks))
        return [record for records in ran for record in records]

    return carry
