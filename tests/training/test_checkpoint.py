"""A folder of an earlier training is resumed or refused."""

from pathlib import Path
from typing import Any

import pytest
import torch

from diascope.errors import WeightsError
from diascope.training.checkpoint import load_checkpoint, save_checkpoint
from tests.runs import write_weights
from tests.training.trainings import train, write_table, write_training


def refusal(folder: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(folder, "mine", {})
    return caught.value


def test_the_same_training_finds_what_it_left(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, "mine", {}) is None
    save_checkpoint(tmp_path, {"digest": "mine", "parts": {}, "best": torch.ones(2)})
    state = load_checkpoint(tmp_path, "mine", {})
    assert state is not None
    assert state["best"].tolist() == [1, 1]


def test_an_error_names_what_differs(tmp_path: Path) -> None:
    parts = {"preprocess": "1", "train.epochs": "4", "start": "s"}
    save_checkpoint(tmp_path, {"digest": "one", "parts": parts})
    now = {"preprocess": "1", "train.epochs": "5", "train.seed": "2"}
    with pytest.raises(WeightsError, match=r"differs in train\.epochs, start, train\.seed\n"):
        load_checkpoint(tmp_path, "mine", now)


@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_changed_pictures_are_named_and_refused_and_copies_of_the_old_ones_are_not(
    tmp_path: Path,
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    table = write_table(tmp_path / "p", ["red", "blue"])
    recipe, folder = write_training(tmp_path / "t.yaml", table, epochs=1), tmp_path / "mine"
    digest = train(recipe, folder).digest
    first, second, *_ = sorted((tmp_path / "p").glob("*.png"))
    before = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(WeightsError, match=rf"other pictures: 1 of \d+ have .* {first.name}\n"):
        train(recipe, folder)
    first.write_bytes(before)
    assert train(recipe, folder).digest == digest


@pytest.mark.parametrize("state", [{"state_dict": {}}, [1], {"path": Path("x")}], ids=str)
def test_a_checkpoint_of_another_project_is_refused(tmp_path: Path, state: Any) -> None:
    torch.save(state, tmp_path / "checkpoint.pt")
    assert "not a checkpoint of `pipeline train`" in refusal(tmp_path).message


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(content)
    assert refusal(tmp_path).where == str(tmp_path / "checkpoint.pt")


@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_a_training_that_was_begun_with_fewer_steps_does_not_go_on_unless_it_has_ended(
    tmp_path: Path,
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    recipe = write_training(tmp_path / "t.yaml", write_table(tmp_path / "p", ["red", "blue"]))
    folder = tmp_path / "mine"
    digest = train(recipe, folder).digest
    state = torch.load(folder / "checkpoint.pt")
    state["schedule"]["total_steps"] -= 1
    save_checkpoint(folder, state)
    assert train(recipe, folder).digest == digest
    save_checkpoint(folder, {**state, "history": state["history"][:2]})
    with pytest.raises(WeightsError, match=r"started with 7 steps in all, but would have 8 now"):
        train(recipe, folder)


@pytest.mark.filterwarnings("ignore")  # those of other libraries
def test_a_training_that_went_on_with_other_versions_says_so_ever_after(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
    recipe = write_training(tmp_path / "t.yaml", write_table(tmp_path / "p", ["red", "blue"]))
    folder = tmp_path / "mine"
    train(recipe, folder)
    state = torch.load(folder / "checkpoint.pt")
    state["history"] = state["history"][:2]
    state["schedule"]["last_epoch"] = state["schedule"]["total_steps"] // 2
    older = {**state, "versions": state["versions"] | {"numpy": "1.0", "a-plugin": "0.1"}}
    told = "trained with several versions: a-plugin 0.1, then none; numpy 1.0, then "
    done = {**older, "history": torch.load(folder / "checkpoint.pt")["history"]}
    for begun, said in [(done, False), (state, False), (older, True), (None, True)]:
        capsys.readouterr()
        if begun is not None:
            save_checkpoint(folder, begun)
        train(recipe, folder)  # the last time, it had ended
        assert (f"warning: the weights were {told}" in capsys.readouterr().out) is said
        assert (told in (folder / "training.html").read_text()) is said


def test_weights_of_another_training_are_kept_though_their_checkpoint_is_gone(
    tmp_path: Path,
) -> None:
    error = refusal(write_weights(tmp_path / "weights"))
    assert error.message.startswith("holds a training of another recipe")


@pytest.mark.parametrize(
    ("raised", "told"),
    [(PermissionError(13, "Permission denied"), WeightsError), (MemoryError(), MemoryError)],
)
def test_a_sound_checkpoint_that_cannot_be_read_now_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: type[Exception]
) -> None:
    def load(*args: Any, **options: Any) -> Any:
        raise raised

    save_checkpoint(tmp_path, {"digest": "one"})
    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(told) as caught:
        load_checkpoint(tmp_path, "one", {})
    assert "damaged" not in str(caught.value)
