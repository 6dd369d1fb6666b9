"""The precision of a training: bfloat16 only where torch has fast kernels for it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from diascope.card import CARD_FILE, WEIGHTS_FILE
from diascope.torch_process import has_fast_bfloat16
from diascope.training import processes
from diascope.training.checkpoint import save_checkpoint
from diascope.training.options import TrainOptions
from diascope.training.processes import training_precision
from tests.training.trainings import COLOURS, train, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")

OPTIONS = TrainOptions(table=None, backbone="b")  # type: ignore[arg-type]
HALF = replace(OPTIONS, precision="bf16-mixed")


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


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
    if {"avx512bw", "avx512vl", "avx512dq"} <= flags:
        assert has_fast_bfloat16()
    elif not any("avx512" in flag or "avx_" in flag for flag in flags):
        assert not has_fast_bfloat16()


@pytest.mark.usefixtures("emulated")
def test_without_fast_bfloat16_a_training_is_that_of_the_recipe_in_float32(
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


@pytest.mark.parametrize("fast_later", [False, True])
def test_a_training_that_goes_on_in_another_precision_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fast_later: bool,
) -> None:
    table = write_table(tmp_path / "pictures", list(COLOURS), pairs=6)
    recipe = write_training(tmp_path / "t.yaml", table, epochs=2, precision="bf16-mixed")
    folder = tmp_path / "mine"
    monkeypatch.setattr(processes, "has_fast_bfloat16", lambda: True)
    assert train(recipe, folder).made["precision"] == "bf16-mixed"
    state = torch.load(folder / "checkpoint.pt")
    monkeypatch.setattr(processes, "has_fast_bfloat16", lambda: fast_later)
    (folder / CARD_FILE).unlink()
    capsys.readouterr()
    assert train(recipe, folder).made["precision"] == "bf16-mixed"  # it had ended
    assert "32-true" not in capsys.readouterr().out
    half = state["schedule"] | {"last_epoch": state["schedule"]["total_steps"] // 2}
    begun = state | {"history": state["history"][:1], "schedule": half}
    older = {name: value for name, value in begun.items() if name != "precisions"}
    for checkpoint in (begun, older):
        save_checkpoint(folder, checkpoint)
        (folder / CARD_FILE).unlink()
        made = train(recipe, folder).made["precision"]
        said = "trained in several precisions: bf16-mixed, then 32-true" in capsys.readouterr().out
        expected = ("bf16-mixed", False) if fast_later else ("bf16-mixed, then 32-true", True)
        assert (made, said) == expected


@pytest.mark.usefixtures("emulated")
def test_only_bfloat16_on_a_processor_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_precision(OPTIONS) == training_precision(HALF) == "32-true"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training_precision(HALF) == "bf16-mixed"
    assert training_precision(replace(OPTIONS, precision="16-mixed")) == "16-mixed"


def test_fast_bfloat16_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "has_fast_bfloat16", lambda: True)
    assert training_precision(HALF) == "bf16-mixed"
