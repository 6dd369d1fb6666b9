"""The recipe's own example: a field of another stain."""

import pytest

from diascope.inputs import find_items
from diascope.pipeline import compose
from diascope.plugins import find_plugins
from diascope.recipe import read_recipe
from diascope.sample import Prediction

REFERENCE = ["run.engine=torch", "run.precision=float32", "run.device=cpu", "run.evidence=none"]


@pytest.mark.skipif(
    all(plugin.name != "slide" for plugin in find_plugins()), reason="needs diascope-slides"
)
def test_a_stain_that_the_model_does_not_know_has_a_novelty_warning() -> None:
    pipeline = compose(read_recipe("pathology.yaml", REFERENCE))
    (found,) = find_items(pipeline.recipe.input)

    (answer,) = pipeline.finish((found.item, part) for part in pipeline.prepare(found.item))

    assert isinstance(answer, Prediction)
    assert answer.regions is not None
    assert answer.samples == len(answer.regions.boxes) == 4
    assert answer.out_of_distribution
    assert "unlike the pictures that the model was trained on" in answer.warnings[0]
