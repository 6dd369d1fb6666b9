"""The effect of each key of a training on its weights."""

import json
import math
import os
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from diascope.card import WEIGHTS_FILE, read_card, write_card
from diascope.errors import DiascopeError, RecipeError, TableError, WeightsError
from diascope.network import Network, state_digest
from diascope.training import loop, processes
from diascope.training.dataset import Pictures
from diascope.training.optimization import make_average, make_optimizer, make_schedule
from diascope.training.options import TrainOptions
from tests.engines.networks import classifier
from tests.refusals import refused
from tests.training.trainings import COLOURS, train, with_splits, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "pictures", list(COLOURS), pairs=6)


def weights(folder: Path, table: Path, **changes: Any) -> dict[str, Tensor]:
    """Train for two epochs, and return what is kept."""
    recipe = write_training(folder.with_suffix(".yaml"), table, **{"epochs": 2, **changes})
    train(recipe, folder)
    return load_file(folder / WEIGHTS_FILE)


def differing(one: dict[str, Tensor], other: dict[str, Tensor], part: str) -> bool:
    names = [name for name in one if name.startswith(part)]
    assert names
    return any(not one[name].equal(other[name]) for name in names)


def averaged(ema: float) -> tuple[Network, AveragedModel]:
    """Return a network that has seen 413 batches, and its average before the first step."""
    network, _ = classifier("convnet")
    for name, counter in network.named_buffers():
        if name.endswith("num_batches_tracked"):
            counter.fill_(413)
    options = TrainOptions(table=None, backbone="b", ema=ema)  # type: ignore[arg-type]
    average = make_average(network, options)
    assert average is not None
    return network, average


def test_the_learning_rate_falls_towards_the_first_layer_and_only_matrices_decay() -> None:
    network, _ = classifier("convnet")
    values = {"learning_rate": 0.1, "layer_decay": 0.5, "weight_decay": 0.3}
    options = TrainOptions(table=None, backbone="b", **values)  # type: ignore[arg-type]
    rates, decays = {}, {}
    names = {weight: name for name, weight in network.named_parameters()}
    for group in make_optimizer(network, options).param_groups:
        for weight in group["params"]:
            rates[names[weight]] = group["lr"]
            decays[names[weight]] = group["weight_decay"]
    body = [rate for name, rate in rates.items() if name.startswith("backbone.")]
    assert set(rates) == set(names.values())
    assert min(body) == pytest.approx(0.05)
    assert [rates[name] for name in names.values() if name.startswith("head.")] == [0.1, 0.1]
    assert body == sorted(body)
    assert len(set(body)) > 2
    for name, weight in network.named_parameters():
        assert decays[name] == (0.3 if weight.ndim > 1 else 0.0), name


def test_the_only_step_of_a_training_learns() -> None:
    network, _ = classifier("convnet")
    options = TrainOptions(table=Path("t"), backbone="b", epochs=1, learning_rate=0.1)
    optimizer = make_optimizer(network, options)
    make_schedule(optimizer, options, 1)
    assert optimizer.param_groups[-1]["lr"] > 0.05


def test_a_frozen_backbone_learns_nothing_until_its_epoch(tmp_path: Path, table: Path) -> None:
    slow, fast = (
        weights(tmp_path / str(rate), table, frozen_epochs=2, learning_rate=rate)
        for rate in (0.001, 0.02)
    )
    assert differing(slow, fast, "head.")
    assert not differing(slow, fast, "backbone.")
    thawed = weights(tmp_path / "thawed", table, frozen_epochs=1)
    assert differing(fast, thawed, "backbone.")


def test_each_key_changes_the_weights(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "has_fast_bfloat16", lambda: True)
    plain = weights(tmp_path / "plain", table)
    changes = {"ema": 0.5, "mixup": 0.5, "weight_decay": 5.0, "dropout": 0.5}
    changes |= {"precision": "bf16-mixed"}
    for key, value in changes.items():
        changed = weights(tmp_path / key, table, **{key: value})
        assert differing(plain, changed, "head."), key


def test_with_an_average_the_average_is_kept(tmp_path: Path, table: Path) -> None:
    kept = weights(tmp_path / "mine", table, ema=0.9)
    state = torch.load(tmp_path / "mine" / "checkpoint.pt", weights_only=True)
    best = {name: value.half() for name, value in state["best"]["network"].items()}
    last = {name: value.half() for name, value in state["network"].items()}
    name = "head.linear.weight"
    assert kept[name].equal(best[name])
    assert not kept[name].equal(last[name])


@pytest.mark.parametrize(("steps", "share"), [(9, 9 / 19), (1000, 0.1)])
def test_an_average_looks_back_over_a_ninth_of_the_steps_at_most(steps: int, share: float) -> None:
    network, average = averaged(ema=0.9)
    average.n_averaged.fill_(steps)
    with torch.no_grad():
        network.head.bias.fill_(1.0)
        average.module.head.bias.fill_(0.0)
    average.update_parameters(network)
    assert average.module.head.bias.tolist() == pytest.approx([share] * 3)


def test_an_average_leaves_a_frozen_backbone_to_the_last_bit() -> None:
    network, average = averaged(ema=0.98)
    before = state_digest(network.backbone)
    for _ in range(64):
        average.update_parameters(network)
    assert state_digest(average.module.backbone) == before


def test_the_best_epoch_is_kept_not_the_last(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter([0.9, 0.6, 0.7])
    monkeypatch.setattr(loop, "validate", lambda *_: {"auc_macro": next(told)})
    kept = weights(tmp_path / "mine", table, epochs=3)
    state = torch.load(tmp_path / "mine" / "checkpoint.pt", weights_only=True)
    name = "head.linear.weight"
    assert state["best"]["told"] == 0.9
    assert kept[name].equal(state["best"]["network"][name].half())
    assert not kept[name].equal(state["network"][name].half())


def test_a_loss_that_is_no_number_ends_the_training_with_advice(
    tmp_path: Path, table: Path
) -> None:
    with pytest.raises(
        WeightsError, match=r"no longer a finite number at step(.|\n)*learning_rate"
    ):
        weights(tmp_path / "mine", table, learning_rate=1e30)


def test_weights_too_large_to_be_stored_end_the_training_with_advice(
    tmp_path: Path, table: Path
) -> None:
    with pytest.raises(WeightsError, match=r"grew too large(.|\n)*smaller learning_rate"):
        weights(tmp_path / "mine", table, learning_rate=1e7, epochs=1)


@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "focal_gamma", "mixup"])
def test_a_number_without_end_is_refused(name: str) -> None:
    values = {"table": "t", "backbone": "b", name: math.inf}

    assert refused(TrainOptions, values).startswith(f"{name} must be a finite number ")


def test_running_out_of_memory_is_reported_with_advice(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Trainer, "_prepare_batch", lambda *_: torch.empty(2**55))
    with pytest.raises(RecipeError, match=r"mine\.yaml: there is not enough(.|\n)*train\.batch"):
        weights(tmp_path / "mine", table)
    monkeypatch.setattr(loop.Trainer, "_prepare_batch", lambda *_: torch.ones(2) @ torch.ones(3))
    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        weights(tmp_path / "other", table)


@pytest.mark.parametrize("words", ["CUDA error: CUBLAS_STATUS_ALLOC_FAILED", "out of memory"])
def test_an_accelerator_without_memory_is_reported_with_advice(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    def full(*_: Any) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(loop.Trainer, "_prepare_batch", full)
    with pytest.raises(RecipeError, match=f"there is not enough memory for this training.*{words}"):
        weights(tmp_path / "mine", table)


def test_pictures_that_do_not_fit_an_accelerator_together_are_measured_in_parts(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_training(tmp_path / "t.yaml", table, epochs=2)
    whole, forward, fitted = train(recipe, tmp_path / "whole"), Network.forward, list[int]()

    def small(network: Network, batch: Tensor) -> Tensor:
        if torch.is_inference_mode_enabled():
            if len(batch) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory")
            fitted.append(len(batch))
        return forward(network, batch)

    monkeypatch.setattr(Network, "forward", small)
    parts = train(recipe, tmp_path / "parts")

    assert max(fitted) in (2, 3)
    assert parts.metrics["auc_macro"] == whole.metrics["auc_macro"]


@pytest.mark.parametrize("shared", ["", "unable to allocate shared memory(shm) for file"])
def test_a_killed_or_starved_reading_process_is_reported(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    recipe = write_training(tmp_path / "mine.yaml", table)
    values = json.loads(recipe.read_text()) | {"run": {"workers": 1}}
    recipe.write_text(json.dumps(values))
    here = os.getpid()

    def ended(*_: Any) -> None:
        assert os.getpid() != here
        if shared:
            raise RuntimeError(shared)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(Pictures, "picture", ended)
    with pytest.raises(RecipeError, match=r"run\.workers=0") as caught:
        train(recipe, tmp_path / "mine")
    _, _, told = caught.value.message.partition("was ended, or ran out of memory: ")
    assert told.startswith(f"RuntimeError: {shared or 'DataLoader worker (pid'}")


def test_calibration_is_fitted_to_the_views_that_a_run_will_look_at(tmp_path: Path) -> None:
    table, found = write_table(tmp_path / "two", ["red", "green"]), {}
    for test_time in ("none", "flips"):
        learned = {"test_time": test_time, "validation": 0.4, "task": "binary"}
        found[test_time] = weights(tmp_path / test_time, table, **learned)
    assert not differing(*found.values(), part="head.")
    none, flips = (read_card(tmp_path / name).calibration for name in found)
    assert none is not None
    assert flips is not None
    assert none.bias != flips.bias


def test_a_monitor_that_cannot_be_computed_is_refused_before_training(
    tmp_path: Path,
) -> None:
    table = write_table(tmp_path / "two", ["red", "green"])
    header, *lines = table.read_text().splitlines()
    split = ["validation" if line.startswith("0-00") else "train" for line in lines]
    rows = [f"{line},{part}" for line, part in zip(lines, split, strict=True)]
    lines = [row.replace("0-01.png,red,0-0,train", "0-01.png,red,0-0,validation") for row in rows]
    table.write_text("\n".join([f"{header},split", *lines]))
    with pytest.raises(TableError, match=r"auc_macro cannot be computed(.|\n)*validation_loss"):
        weights(tmp_path / "mine", table, task="binary", test=0.0)
    assert weights(tmp_path / "other", table, task="binary", monitor="validation_loss", test=0.0)


def test_validation_pictures_with_only_unknown_labels_are_refused(tmp_path: Path) -> None:
    table = with_splits(write_table(tmp_path / "two", ["red", "green"]))
    table.write_text(re.sub(r",\w+(?=,.*,validation)", ",?red|?green", table.read_text()))
    with pytest.raises(TableError, match="no label of any validation picture is known"):
        weights(tmp_path / "mine", table, task="multilabel", monitor="validation_loss")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"devices": 0}, "devices must be auto or a whole number of at least 1"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4,294,967,295"),
        ({"precision": "16-mixed"}, "16-mixed needs a GPU"),
        ({"by": ["site"]}, "no column 'site'"),
        ({"labels": ["red", "green", "blue", "red"]}, "labels repeat: red"),
        ({"labels": [{"name": "red", "title": "Red"}]}, "a list of labels must hold only names"),
    ],
    ids=str,
)
def test_a_wrong_recipe_or_table_is_refused_before_training(
    tmp_path: Path, table: Path, change: dict[str, Any], error: str
) -> None:
    with pytest.raises(DiascopeError, match=error):
        weights(tmp_path / "mine", table, **change)
    assert not (tmp_path / "mine" / "history.json").exists()


def test_rows_that_all_weigh_nothing_are_refused(tmp_path: Path, table: Path) -> None:
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{header},weight", *(f"{line},0" for line in lines)]))
    with pytest.raises(TableError, match="every row of train has the weight 0"):
        weights(tmp_path / "mine", table)


def test_new_operating_points_leave_the_record_of_how_the_weights_were_made(
    tmp_path: Path, table: Path
) -> None:
    weights(tmp_path / "mine", table)
    card = read_card(tmp_path / "mine")
    shown = replace(card, evidence={"inside": {"cases": 1}}, made=card.made | {"command": "first"})
    write_card(shown, tmp_path / "mine")
    weights(tmp_path / "mine", table, operating_points="youden")
    again = read_card(tmp_path / "mine")
    assert again.operating_rule.startswith("highest sensitivity plus")
    assert (again.evidence, again.made) == (shown.evidence, shown.made)


def test_the_state_of_a_precision_is_kept_and_taken_up_again(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_fabric.plugins.precision import Precision

    taken = []
    monkeypatch.setattr(Precision, "state_dict", lambda _: {"scale": 2.0})
    monkeypatch.setattr(Precision, "load_state_dict", lambda _, state: taken.append(state))
    weights(tmp_path / "mine", table)
    assert taken == []
    weights(tmp_path / "mine", table)
    assert taken == [{"scale": 2.0}]
