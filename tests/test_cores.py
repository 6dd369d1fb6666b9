"""How many cores this process may use, and how many threads a network gets."""

import os
from pathlib import Path

import pytest

from diascope import cores as module
from diascope.cores import available_cores, network_threads, quota_threads


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("3", 3), ("7,1", 7), (" 4 ", 4), ("", None), ("0", None), ("-1", None), ("abc", None)],
)
def test_threads_are_those_of_the_outermost_level_else_one_per_core(
    monkeypatch: pytest.MonkeyPatch, value: str, wanted: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert network_threads() == (wanted or available_cores())


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
        ({}, 64),
    ],
)
def test_a_container_has_as_many_cores_as_its_quota_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], wanted: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(module, "_CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert available_cores() == wanted


@pytest.mark.parametrize(
    ("quota", "wanted", "told"), [("3", "", 3), ("4", "", None), ("9", "", None), ("3", "2", None)]
)
def test_a_quota_limits_threads_only_where_libraries_would_use_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, wanted: str, told: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota} 1")
    monkeypatch.setattr(module, "_CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert quota_threads() == told
