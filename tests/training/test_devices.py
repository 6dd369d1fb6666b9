"""Training on a GPU, if there is one, and on two devices: two processes on the CPU."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.runs import PATIENCE_S, Ended, start
from tests.training.trainings import train, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
PLAIN = {"convnet": {"layers": [{"conv": {"filters": 8}}, {"pool": {}}, {"conv": {"filters": 8}}]}}


def trained(recipe: Path, output: Path) -> Ended:
    process = start(Path(), "train", recipe, "--output", output)
    try:
        out, err = process.communicate(timeout=2 * PATIENCE_S)
    finally:
        process.kill()
    return Ended(process.returncode, out, err)


def test_two_processes_train_the_weights_of_one_and_tell_it_once(tmp_path: Path) -> None:
    table = write_table(tmp_path / "pictures", ["red", "green"])
    values = {"backbone": PLAIN, "augment": ["RandGaussianNoise"], "ema": 0.5, "epochs": 2}
    one = write_training(tmp_path / "one.yaml", table, devices=1, **values)
    two = write_training(tmp_path / "two.yaml", table, devices=2, **values)
    done = trained(two, tmp_path / "two")
    assert done.code == 0, done.err
    train(one, tmp_path / "one")

    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("two", "one"))
    for name, values_of_one in theirs.items():
        assert ours[name].float() == pytest.approx(values_of_one.float(), abs=2e-3)
    assert done.out.count("Weights and card:") == 1
    assert done.err.count("epoch 2/2 step 2/2") == 1


def test_bad_pictures_end_all_processes_at_once(tmp_path: Path) -> None:
    table = write_table(tmp_path / "pictures", ["red", "green"])
    (tmp_path / "pictures" / "0-03.png").write_text("no picture")
    done = trained(write_training(tmp_path / "t.yaml", table, devices=2), tmp_path / "mine")

    assert done.code == 2
    assert "0-03.png" in done.err


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_gpu_learns_an_easy_task_in_every_precision(precision: str, tmp_path: Path) -> None:
    table = write_table(tmp_path / "pictures", ["red", "green"])
    recipe = write_training(tmp_path / "t.yaml", table, devices=1, precision=precision, epochs=6)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.max_memory_allocated()
    card = train(recipe, tmp_path / "mine")
    assert torch.cuda.max_memory_allocated() > before
    assert card.metrics["auc_macro"]["value"] > 0.9
