"""Means over mirror images in PyTorch are those of a run."""

import numpy as np
import pytest
import torch

from diascope.classifier import Classifier, TestTime
from diascope.contracts import Runtime
from diascope.decision import scores_from_logits
from diascope.engines.torch import ReferenceEngine
from diascope.explain.steps import capture_network_input
from diascope.mirror_images import mean_logits, mean_maps
from diascope.plugin_creation import make_backbone
from diascope.sample import Item, Sample
from tests.engines.networks import classifier as random_network
from tests.engines.networks import pictures


@pytest.mark.parametrize("test_time", ["none", "flips"])
def test_means_are_those_behind_the_answer_of_a_run(test_time: TestTime) -> None:
    network, card = random_network("convnet")
    engine, runtime = ReferenceEngine(network, card, "cpu"), Runtime("cpu", "all", make_backbone)
    classifier = Classifier(engine, card, runtime, test_time=test_time)
    sample = Sample(Item("a.png", "/a.png"), pictures(card, 1)[0], range=(0, 1))
    (answer,), batch = capture_network_input(network, lambda: classifier.predict([sample]))
    with torch.inference_mode():
        maps = mean_maps(network, batch, flips=classifier.flips)[0].numpy()
        logits = mean_logits(network, batch, flips=classifier.flips).numpy()

    assert maps == pytest.approx(np.array([each.map for each in answer.evidence]), abs=1e-6)
    scores = scores_from_logits(logits, card)[0]
    assert scores == pytest.approx(list(answer.scores.values()), abs=1e-6)
