"""The number of weights, from the header of a weights file."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from diascope.card import WEIGHTS_FILE, ModelCard
from diascope.network import load_network
from diascope.plugin_creation import make_backbone
from diascope.weight_count import count_weights

NORMED = {"layers": [{"conv": {"filters": 4, "norm": "batch"}}], "in_channels": 1}


def test_the_weights_are_the_parameters_of_the_network(
    make_card: Callable[..., ModelCard], make_weights: Callable[..., tuple[Path, ModelCard]]
) -> None:
    folder, card = make_weights(make_card(backbone_parameters=NORMED))
    network = load_network(card, folder, make_backbone("convnet", NORMED), "cpu")
    state = load_file(folder / WEIGHTS_FILE)
    save_file(state | {"novelty.mean": torch.zeros(2, 4)}, folder / WEIGHTS_FILE)

    assert count_weights(folder) == sum(each.numel() for each in network.parameters())


def test_the_weights_of_a_backbone_elsewhere_are_not_counted(tmp_path: Path) -> None:
    save_file({"head.linear.bias": torch.zeros(2)}, tmp_path / WEIGHTS_FILE)
    assert count_weights(tmp_path) is None


def test_of_a_file_that_is_missing_or_damaged_nothing_is_said(tmp_path: Path) -> None:
    assert count_weights(tmp_path) is None
    (tmp_path / WEIGHTS_FILE).write_bytes(b"\xff" * 40)
    assert count_weights(tmp_path) is None
