"""Exact evidence maps add up; estimates make no such claim."""

import numpy as np
import pytest
import torch

from diascope.explain.attribution import TOLERANCE, Attribution, attribute, integrated_gradients
from diascope.network import Network
from tests.explain.networks import BACKBONES, make_batch, make_network


def features_of(network: Network) -> torch.Tensor:
    with torch.no_grad():
        return network.backbone(make_batch())  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", BACKBONES)
def test_the_map_of_every_backbone_adds_up_to_the_logit_minus_the_bias(name: str) -> None:
    network = make_network(name)
    for output in range(3):
        found = attribute(network, features_of(network), output, "exact")
        assert found.residual is not None
        assert found.residual < TOLERANCE
        bias = float(network.head.bias.detach()[output])
        assert abs(found.sum + bias - found.logit) < TOLERANCE * abs(found.logit)


def test_the_map_of_a_convolutional_head_adds_up_too() -> None:
    network = make_network(head="conv")

    assert attribute(network, features_of(network), 1, "exact").adds_up


@pytest.mark.parametrize("name", BACKBONES)
def test_a_map_with_the_weights_of_another_label_does_not_add_up(name: str) -> None:
    network = make_network(name)
    right, wrong = (attribute(network, features_of(network), label, "exact") for label in (0, 1))
    broken = Attribution("exact", wrong.map, right.logit, right.expected_sum)

    assert not broken.adds_up


def test_for_a_linear_head_hirescam_is_the_exact_map() -> None:
    network = make_network()
    exact, estimate = (
        attribute(network, features_of(network), 2, method) for method in ("exact", "hirescam")
    )

    assert estimate.map == pytest.approx(exact.map, abs=1e-6)
    assert estimate.residual is None


def test_grad_cam_equals_that_of_captum() -> None:
    attr = pytest.importorskip("captum.attr")
    network = make_network("resnet18", head="conv")
    theirs = attr.LayerGradCam(network, network.backbone).attribute(
        make_batch(), 1, relu_attributions=True
    )
    ours = attribute(network, features_of(network), 1, "grad-cam").map

    assert ours == pytest.approx(theirs.detach().numpy()[0, 0], rel=1e-4, abs=1e-9)


def test_grad_cam_plus_plus_equals_that_of_monai_up_to_a_factor() -> None:
    from monai.visualize.class_activation_maps import GradCAMpp

    network = make_network("resnet18", head="conv")
    with torch.no_grad():  # MONAI adds 1e-7 to what it divides by: gradients must not be small
        network.head.linear.weight.mul_(1000)
        network.head.bias.sub_(network(make_batch())[0])
    ours = attribute(network, features_of(network), 1, "grad-cam++")
    theirs = GradCAMpp(network, "backbone").compute_map(make_batch(), 1).detach().numpy()[0, 0]

    assert theirs.max() > 0
    assert ours.map / ours.map.max() == pytest.approx(theirs / theirs.max(), rel=1e-3, abs=1e-5)


def test_integrated_gradients_have_a_completeness_gap() -> None:
    pytest.importorskip("captum")
    network = make_network()
    found = integrated_gradients(network, make_batch(16), 1)
    with torch.no_grad():
        start = float(network(torch.zeros(1, 3, 16, 16))[0, 1])

    assert found.map.shape == (16, 16)
    assert found.expected_sum == pytest.approx(found.logit - start)
    assert found.residual is not None
    assert 0 < found.residual < 0.05


def test_the_residual_is_relative_to_the_magnitudes_of_the_terms() -> None:
    found = Attribution(
        "exact", np.array([[100.0, -99.0]], np.float32), logit=2.0, expected_sum=2.0
    )

    assert found.residual == pytest.approx(1 / 199)
