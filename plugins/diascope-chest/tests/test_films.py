"""The shipped model on real films of pydicom-data: effects of compression and of other kinds."""

import pytest
from pydicom.data import get_testdata_file

from diascope.pipeline import compose
from diascope.recipe import read_recipe
from diascope.sample import Item, Prediction

CHEST = ("RG1_UNCR", "RG1_J2KR", "RG1_UNCI", "RG1_J2KI")
LIMB = "RG3_UNCR"
REFERENCE = ["run.engine=torch", "run.precision=float32", "run.device=cpu", "run.evidence=none"]


@pytest.fixture(scope="module")
def answers() -> dict[str, Prediction]:
    """What chest.yaml says of each film, let through whatever part of the body it shows."""
    found = {name: get_testdata_file(f"{name}.dcm", download=False) for name in (*CHEST, LIMB)}
    if None in found.values():
        pytest.skip("needs pydicom-data")
    gate = "accept.body_part=[CHEST, EXTREMITY]"
    pipeline = compose(read_recipe("chest.yaml", [*REFERENCE, gate]))
    items = [Item(name, str(path)) for name, path in found.items()]
    prepared = ((item, part) for item in items for part in pipeline.prepare(item))
    records = list(pipeline.finish(prepared))
    return {each.item.id: each for each in records if isinstance(each, Prediction)}


def test_lossless_compression_changes_no_digit_of_a_score(answers: dict[str, Prediction]) -> None:
    assert answers["RG1_J2KR"].scores == answers["RG1_UNCR"].scores
    assert answers["RG1_J2KI"].scores == answers["RG1_UNCI"].scores


def test_what_was_compressed_with_loss_scores_within_two_hundredths(
    answers: dict[str, Prediction],
) -> None:
    scores = answers["RG1_UNCR"].scores

    assert answers["RG1_UNCI"].scores == pytest.approx(scores, abs=0.02)
    assert answers["RG1_UNCI"].scores != scores


def test_a_limb_that_passes_the_gate_has_a_novelty_warning(
    answers: dict[str, Prediction],
) -> None:
    novel = {name for name, answer in answers.items() if answer.out_of_distribution}

    assert novel == {LIMB}
    assert "unlike the pictures that the model was trained on" in answers[LIMB].warnings[0]
