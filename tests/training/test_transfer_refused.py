"""Weights that do not fit, or fit in two ways, are refused without changing anything."""

from pathlib import Path
from typing import Any

import pytest
import torch

from diascope.errors import WeightsError
from diascope.training.start import Start
from diascope.training.transfer import start_from
from tests.training.other_projects import begin, new, renamed, same_features, saved, tiny


def refusal(file: Path, **how: Any) -> str:
    with pytest.raises(WeightsError) as caught:
        begin(new(), file, **how)
    return str(caught.value)


def test_keys_that_give_two_tensors_one_name_are_refused(tmp_path: Path) -> None:
    file = saved(
        tmp_path / "w.pth", {"a.conv1.weight": torch.ones(1), "b.conv1.weight": torch.ones(1)}
    )

    assert "would both be conv1.weight" in refusal(file, keys={"a.": "", "b.": ""})


def test_of_two_networks_in_one_file_the_recipe_chooses(tmp_path: Path) -> None:
    student, teacher = tiny(), tiny()
    both = {"student": student.state_dict(), "teacher": teacher.state_dict()}
    file = saved(tmp_path / "w.pth", both)
    said = refusal(file)
    ours = new()
    begin(ours, file, keys={"teacher.": ""})

    assert "'student.' and 'teacher.'" in said
    same_features(teacher, ours)


def test_a_network_beside_its_average_under_a_longer_name_can_be_chosen(tmp_path: Path) -> None:
    network, average = tiny(), tiny()
    state = network.state_dict() | renamed(average.state_dict(), "average.".__add__)
    file = saved(tmp_path / "w.pth", state)
    said = refusal(file)
    ours = new()
    begin(ours, file, keys={"": ""})

    assert '{"": ""}' in said
    same_features(network, ours)


def test_a_network_stored_twice_with_the_same_values_is_one(tmp_path: Path) -> None:
    state = tiny().state_dict()
    twice = renamed(state, "net.".__add__) | renamed(state, "model.net.".__add__)

    assert begin(new(), saved(tmp_path / "w.pth", twice)).share == 1


def test_a_head_trained_alone_is_refused_with_advice(tmp_path: Path) -> None:
    head = {"head.linear.weight": torch.ones(2, 8), "head.linear.bias": torch.ones(2)}
    said = refusal(saved(tmp_path / "w.pth", head))

    assert "It holds only a head" in said
    assert "their.prefix" not in said


def test_another_network_is_refused_with_names_of_both_sides(tmp_path: Path) -> None:
    names = ("patches.weight", "patches.bias", "mixer.weight", "mixer.bias")
    said = refusal(saved(tmp_path / "w.pth", {name: torch.zeros(4) for name in names}))

    assert "fits 0 of 100 tensors of the backbone ours (0 %), at least 95 % must" in said
    assert "not in the file: conv1.weight, bn1.weight, bn1.bias and 97 more" in said
    assert "left out: patches.weight, patches.bias, mixer.weight and 1 more" in said
    assert "keys" in said


def test_a_refused_file_leaves_the_backbone_as_it_was(tmp_path: Path) -> None:
    state = dict(list(tiny().state_dict().items())[:80])
    module = new()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(WeightsError, match=r"fits \d+ of 100 tensors"):
        begin(module, saved(tmp_path / "w.pth", state))

    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_layers_that_would_stay_random_are_refused_of_a_frozen_backbone(tmp_path: Path) -> None:
    lacking = {name: held for name, held in tiny().state_dict().items() if name != "bn1.bias"}
    file = saved(tmp_path / "w.pth", lacking)

    assert begin(new(), file).matched == 99
    with pytest.raises(WeightsError, match=r"99 of 100 tensors(.|\n)*random(.|\n)*bn1\.bias"):
        start_from(new(), Start(file), "ours", (0.5,), (0.25,), frozen=True)


def test_a_deeper_network_is_refused_though_all_of_ours_is_in_it(tmp_path: Path) -> None:
    deeper = tiny(depths=(3, 4, 6, 3))
    said = refusal(saved(tmp_path / "w.pth", deeper.state_dict()))

    assert "fits 100 of 100 tensors" in said
    assert "another network" in said
    assert "layer1.2.conv1.weight" in said


def test_first_filters_that_cannot_be_adapted_are_refused_though_all_others_fit(
    tmp_path: Path,
) -> None:
    state = tiny().state_dict()
    filters = len(state["conv1.weight"])
    state["conv1.weight"] = torch.ones(filters, 4, 7, 7)
    said = refusal(saved(tmp_path / "w.pth", state))

    assert f"first filters of {filters} x 4 x 7 x 7, the backbone ours of {filters} x 3 x" in said


def test_non_finite_weights_are_refused(tmp_path: Path) -> None:
    state = tiny().state_dict()
    state["bn1.bias"][3] = torch.nan

    assert "not finite numbers: bn1.bias" in refusal(saved(tmp_path / "w.pth", state))


def test_a_missing_file_and_a_folder_without_weights_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "w.pth")
    assert "nor models/model.pt\n  Give the path of the weights file itself" in refusal(tmp_path)
