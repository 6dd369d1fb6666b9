"""Folding batch norms into the convolutions before them."""

import pytest
import torch
from torch import Tensor, nn

from diascope.engines.fold_batch_norm import fold_batch_norms
from tests.engines.networks import classifier


def norms(module: nn.Module) -> int:
    return sum(isinstance(each, nn.BatchNorm2d) for each in module.modules())


@pytest.mark.parametrize(
    ("backbone", "left"),
    [("efficientnet-lite0", 0), ("efficientnet-b0", 0), ("resnet18", 0), ("densenet121", 62)],
)
def test_a_folded_network_is_the_same_function_with_fewer_layers(backbone: str, left: int) -> None:
    network, card = classifier(backbone)
    own = fold_batch_norms(network.backbone, card)
    picture = torch.rand(2, 3, *card.size)
    with torch.no_grad():
        before, after = network.backbone(picture), own(picture)
    assert norms(own) == left < norms(network.backbone)
    assert (before - after).norm() <= 1e-4 * before.norm()


class Twice(nn.Module):
    """Adds the outputs of its convolution and of its norm, outside of any module."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, batch: Tensor) -> Tensor:
        made = self.convolution(batch)
        result: Tensor = made + self.norm(made)
        return result


def test_a_network_whose_answers_would_change_is_not_folded() -> None:
    _, card = classifier("convnet")
    twice = Twice().eval()
    twice.norm.running_var.fill_(4.0)  # type: ignore[union-attr]
    assert fold_batch_norms(twice, card) is twice


def test_a_network_without_weights_has_nothing_to_fold() -> None:
    _, card = classifier("convnet")
    picture = torch.rand(1, 3, *card.size)
    assert torch.equal(fold_batch_norms(nn.AvgPool2d(4), card)(picture), nn.AvgPool2d(4)(picture))
