"""Files of other projects are read without running them, or refused with advice."""

import argparse
import random
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from diascope.errors import WeightsError
from diascope.training.pretrained import read_tensors


def refusal(file: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_tensors(file)
    return str(caught.value)


def saved(path: Path, held: Any) -> Path:
    torch.save(held, path)
    return path


def test_entries_other_than_tensors_of_the_network_are_left_out(tmp_path: Path) -> None:
    layer = nn.BatchNorm2d(2)
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1}]}
    held = {"epoch": 3, "state_dict": layer.state_dict(), "optimizer": optimizer}

    names = list(read_tensors(saved(tmp_path / "w.pth", held)))

    assert names == ["weight", "bias", "running_mean", "running_var"]


def test_counts_of_batches_are_left_out_though_they_are_floats(tmp_path: Path) -> None:
    layer = nn.Sequential(nn.BatchNorm2d(2))
    floats = {name: value.float() for name, value in layer.state_dict().items()}
    assert "0.num_batches_tracked" in floats

    names = list(read_tensors(saved(tmp_path / "w.pth", floats)))

    assert names == ["0.weight", "0.bias", "0.running_mean", "0.running_var"]


def test_several_networks_in_a_file_get_their_names_as_prefixes(tmp_path: Path) -> None:
    both = {"student": {"bias": torch.zeros(1)}, "teacher": {"bias": torch.ones(1)}}
    tensors = read_tensors(saved(tmp_path / "w.pth", {"nets": both}))

    assert list(tensors) == ["student.bias", "teacher.bias"]


class Trap:
    """Unpickled, it would call."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "pickle"])
def test_nothing_in_a_file_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Trap()}, "w.pth", _use_new_zipfile_serialization=not old)
    said = refusal(Path("w.pth"))

    assert "could run code" in said
    assert not Path("trapped").exists()


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "torch.nn.modules.container.Sequential"),
        ({"state_dict": {}, "args": argparse.Namespace()}, "argparse.Namespace"),
    ],
    ids=["whole network", "settings of a training"],
)
def test_python_objects_are_refused_with_the_way_to_save_tensors_alone(
    tmp_path: Path, held: Any, told: str
) -> None:
    said = refusal(saved(tmp_path / "w.pth", held))

    assert told in said
    assert "torch.load(FILE, weights_only=False)" in said
    assert "torch.save(held.state_dict(), 'weights.pth')" in said
    assert "held['state_dict']" in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused_with_the_way_to_save_its_weights(tmp_path: Path) -> None:
    torch.jit.script(nn.Conv2d(3, 4, 3)).save(tmp_path / "model.pt")
    said = refusal(tmp_path / "model.pt")

    assert "TorchScript" in said
    assert "torch.jit.load(FILE).state_dict()" in said


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("held", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, held: bytes) -> None:
    (tmp_path / name).write_bytes(held)

    assert re.search("damaged|not a safetensors", refusal(tmp_path / name))


def test_a_file_with_a_broken_byte_is_read_or_refused(tmp_path: Path) -> None:
    whole = saved(tmp_path / "w.pth", nn.Conv2d(1, 2, 3).state_dict()).read_bytes()
    chance = random.Random(5)
    ends = {"read": 0, "refused": 0}
    for _ in range(60):
        broken = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        if broken:
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        (tmp_path / "broken.pth").write_bytes(broken)
        try:
            read_tensors(tmp_path / "broken.pth")
            ends["read"] += 1
        except WeightsError:
            ends["refused"] += 1

    assert all(ends.values())


@pytest.mark.parametrize("held", [[torch.zeros(3)], {"epoch": 3}, torch.zeros(3)])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, held: Any) -> None:
    assert "without named tensors" in refusal(saved(tmp_path / "w.pth", held))
