"""A network's weights are those of its card, and a backbone is loaded once for all its models."""

import gc
import hashlib
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from diascope.backbones.resnet import ResNet18
from diascope.card import WEIGHTS_FILE, ModelCard
from diascope.errors import WeightsError
from diascope.network import Network, build_head, load_network, state_digest
from diascope.plugin_creation import make_backbone

MakeCard = Callable[..., ModelCard]
MakeWeights = Callable[..., tuple[Path, ModelCard]]


def load(directory: Path, card: ModelCard) -> Network:
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    return load_network(card, directory, backbone, "cpu")


def refusal(directory: Path, card: ModelCard) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        load(directory, card)
    return caught.value


def test_a_loaded_network_gives_what_the_stored_one_gave(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, card = make_weights(make_card())
    network = load(directory, card)
    state = load_file(directory / WEIGHTS_FILE)

    assert not network.training
    assert set(network.state_dict()) == set(state)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_weights_in_half_precision_are_executed_in_single(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, card = make_weights(make_card())
    path = directory / WEIGHTS_FILE
    save_file({name: value.half() for name, value in load_file(path).items()}, path)
    network = load(directory, redigested(directory, card))

    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_weights_that_are_not_those_of_the_card_are_refused(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, _ = make_weights(make_card(), "one", seed=1)
    _, card = make_weights(make_card(), "two", seed=2)

    assert "SHA-256 differ" in refusal(directory, card).message


def test_missing_weights_are_named(make_card: MakeCard, tmp_path: Path) -> None:
    assert WEIGHTS_FILE in refusal(tmp_path, make_card()).where


def test_a_file_that_is_not_safetensors_is_refused(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, card = make_weights(make_card())
    (directory / WEIGHTS_FILE).write_bytes(b"\x80\x04pickle")

    assert "not a safetensors file" in refusal(directory, redigested(directory, card)).message


@pytest.mark.parametrize("changes", [{"head": "conv"}, {"backbone": "resnet18"}])
def test_weights_that_do_not_fit_the_cards_network_are_refused(
    make_card: MakeCard, make_weights: MakeWeights, changes: dict[str, str]
) -> None:
    directory, card = make_weights(make_card())
    other = replace(card, **changes)
    if "backbone" in changes:
        other = replace(other, backbone_parameters={"in_channels": 1})

    assert "does not fit" in refusal(directory, other).message


def test_two_models_with_one_backbone_share_it(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, card = make_weights(make_card())

    assert load(directory, card).backbone is load(directory, card).backbone


def test_a_backbone_on_another_device_is_not_shared(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, card = make_weights(make_card())
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    here, there = (
        load_network(card, directory, backbone, device).backbone for device in ("cpu", "meta")
    )

    assert here is not there
    assert {weight.device.type for weight in here.parameters()} == {"cpu"}


def test_a_backbone_with_other_weights_is_not_shared(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    first = load(*make_weights(make_card(), "one", seed=1))
    second = load(*make_weights(make_card(), "two", seed=2))

    assert first.backbone is not second.backbone


def test_a_backbone_is_freed_when_no_model_uses_it(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    network = load(*make_weights(make_card()))
    backbone = weakref.ref(network.backbone)
    del network
    gc.collect()

    assert backbone() is None


def test_a_file_with_only_a_head_uses_the_installed_backbone(
    install_head: Callable[..., tuple[Path, ModelCard]], seeded: object
) -> None:
    directory, card = install_head(state_digest(seeded.build()))  # type: ignore[attr-defined]

    with torch.inference_mode():
        assert load_network(card, directory, seeded, "cpu")(torch.zeros(1, 3, 64, 64)).shape == (
            1,
            2,
        )  # type: ignore[arg-type]


def test_a_file_with_only_a_head_refuses_another_backbone(
    install_head: Callable[..., tuple[Path, ModelCard]], seeded: object
) -> None:
    directory, card = install_head("00" * 32)

    with pytest.raises(WeightsError, match="other weights than the installed ones"):
        load_network(card, directory, seeded, "cpu")  # type: ignore[arg-type]


def redigested(directory: Path, card: ModelCard) -> ModelCard:
    digest = hashlib.sha256((directory / WEIGHTS_FILE).read_bytes()).hexdigest()
    return replace(card, digest=digest)


@pytest.fixture
def seeded() -> object:
    """A backbone whose every build has the same weights, as if they were installed."""

    class Seeded(ResNet18):
        def build(self) -> torch.nn.Module:
            torch.manual_seed(7)
            return super().build()

    return Seeded()


@pytest.fixture
def install_head(tmp_path: Path, make_card: MakeCard) -> Callable[..., tuple[Path, ModelCard]]:
    """Return a function that writes a head of 512 features without its backbone."""

    def install(backbone_digest: str) -> tuple[Path, ModelCard]:
        head = build_head("linear", 512, 2)
        state = {f"head.{name}": value for name, value in head.state_dict().items()}
        save_file(state, tmp_path / WEIGHTS_FILE)
        three = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
        card = make_card(backbone="resnet18", backbone_digest=backbone_digest, **three)
        return tmp_path, redigested(tmp_path, card)

    return install
