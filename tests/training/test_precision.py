"""The precision of a training: bfloat16 only where the processor has instructions for it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from diascope.card import WEIGHTS_FILE
from diascope.engines.torch import has_fast_bfloat16
from diascope.training import processes
from diascope.training.options import TrainOptions
from diascope.training.processes import training_precision
from tests.training.trainings import COLOURS, train, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")

OPTIONS = TrainOptions(table=None, backbone="b")  # type: ignore[arg-type]
HALF = replace(OPTIONS, precision="bf16-mixed")


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "has_fast_bfloat16", lambda: False)


def test_the_processors_instructions_decide_what_is_fast() -> None:
    if not Path("/proc/cpuinfo").is_file():
        pytest.skip("needs /proc/cpuinfo")
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    if not flags:
        pytest.skip("not an x86 processor")
    if flags & {"avx512_bf16", "amx_bf16"}:
        assert has_fast_bfloat16()
    if not any("avx512" in flag or "avx_vnni" in flag for flag in flags):
        assert not has_fast_bfloat16()


@pytest.mark.usefixtures("emulated")
def test_without_instructions_for_bfloat16_a_training_is_that_of_the_recipe_in_float32(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "pictures", list(COLOURS), pairs=6)
    kept = {}
    for precision in ("32-true", "bf16-mixed"):
        recipe = write_training(tmp_path / "t.yaml", table, epochs=1, precision=precision)
        card = train(recipe, tmp_path / precision)
        assert card.made["precision"] == "32-true"
        kept[precision] = load_file(tmp_path / precision / WEIGHTS_FILE)
    assert capsys.readouterr().out.count("trains in 32-true instead of bf16-mixed") == 1
    assert all(kept["32-true"][name].equal(value) for name, value in kept["bf16-mixed"].items())


@pytest.mark.usefixtures("emulated")
def test_only_bfloat16_on_a_processor_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_precision(OPTIONS) == training_precision(HALF) == "32-true"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training_precision(HALF) == "bf16-mixed"
    assert training_precision(replace(OPTIONS, precision="16-mixed")) == "16-mixed"


def test_with_instructions_for_bfloat16_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "has_fast_bfloat16", lambda: True)
    assert training_precision(HALF) == "bf16-mixed"
