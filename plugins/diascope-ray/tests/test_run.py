"""Whole runs: the same bytes as on one machine, and after an interruption too."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runs import (
    Ended,
    contents,
    done_in,
    start,
    strike,
    write_pictures,
    write_recipe,
)
from tests.runs import command as command
from tests.runs import tiny_weights as tiny_weights

pytest.importorskip("ray", reason="needs Ray: pip install diascope-ray")
FILES = ["predictions.csv", "failures.csv"]
ON_RAY = ["--set", "run.executor={ray: {actors: 2, cpus_per_actor: 1}}"]


def test_an_interrupted_run_resumes_and_gives_the_bytes_of_a_local_one(
    tmp_path: Path, tiny_weights: Path, cluster: Any, command: Callable[..., Ended]
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights)
    photos = write_pictures(tmp_path / "photos", 199)
    (photos / "broken.png").write_bytes(b"\x89PNG no more")
    local, ray = tmp_path / "local", tmp_path / "ray"
    arguments = ["run", recipe, photos, "--quiet", "--output"]

    struck = start(tmp_path, *arguments, ray, *ON_RAY)  # a cluster of its own
    ended = strike(struck, signal.SIGINT, lambda: done_in(ray) > 0)
    assert ended.code == 130, ended.err
    assert 0 < done_in(ray) < 200
    assert command(*arguments, ray, *ON_RAY).code == 1, "one item fails"
    assert command(*arguments, local).code == 1

    assert contents(ray, FILES) == contents(local, FILES)
