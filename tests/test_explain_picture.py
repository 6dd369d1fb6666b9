"""The explanation of a picture agrees with its prediction in a run."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope import pipeline as pipeline_module
from diascope.card import Label, read_card, write_card
from diascope.decision import scores_from_logits, softmax
from diascope.errors import ReadError
from diascope.explain.page import Subject
from diascope.explain_picture import ExplainRequest, explain_item
from diascope.inference_trace import (
    OVERRIDES,
    classify_sample,
    inspectable_classifier,
    prepare_first_sample,
)
from diascope.pipeline import compose
from diascope.recipe import read_recipe
from diascope.sample import Item, Region
from tests.runs import write_pictures, write_recipe


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos", 1) / "00.png"


@pytest.mark.parametrize("label", ["red", "green", "blue"])
def test_the_maps_of_a_run_and_of_the_page_are_the_same(
    recipe: Path, picture: Path, label: str
) -> None:
    page = explain_item(
        compose(read_recipe(str(recipe), OVERRIDES)), ExplainRequest(str(picture), occlusion=False)
    )
    every = (*OVERRIDES, "run.evidence=all")
    pipeline = compose(read_recipe(str(recipe), every))
    sample, _, _ = prepare_first_sample(pipeline.preparation, Item("00.png", str(picture)))
    prediction, _ = classify_sample(inspectable_classifier(pipeline), sample)
    ours = page.explanation.evidence[label]
    (theirs,) = (each for each in prediction.evidence if each.label == label)

    assert np.array_equal(ours.map, theirs.map)
    assert ours.logit == theirs.logit
    assert ours.logit - (ours.expected_sum or 0) == pytest.approx(theirs.bias)
    assert page.subject.prediction.scores == prediction.scores


@pytest.mark.parametrize("test_time", ["none", "flips"])
def test_the_scores_are_those_of_the_logits_on_the_page(
    recipe: Path, picture: Path, test_time: str
) -> None:
    overrides = (*OVERRIDES, f"model.classifier.test_time={test_time}")
    pipeline = compose(read_recipe(str(recipe), overrides))
    subject = explain_item(pipeline, ExplainRequest(str(picture), occlusion=False)).subject
    found = list(subject.prediction.scores.values())

    assert scores_from_logits(subject.logits.raw[None], subject.card)[0].tolist() == found
    assert softmax(subject.logits.calibrated).tolist() == found


def test_a_path_that_is_not_utf8_is_escaped_on_the_page(
    recipe: Path, picture: Path, tmp_path: Path
) -> None:
    odd = recipe.rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")))
    pipeline = compose(read_recipe(str(odd), OVERRIDES))
    page = explain_item(pipeline, ExplainRequest(str(picture), occlusion=False))
    assert page.subject.facts["recipe"] == f"{tmp_path}/\\xff.yaml"


def test_the_first_picture_of_a_film_is_explained_with_a_warning(
    recipe: Path, tmp_path: Path
) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (40, 40), (tone, 0, 0)) for tone in (10, 200)]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    pipeline = compose(read_recipe(str(recipe), OVERRIDES))
    found = explain_item(pipeline, ExplainRequest(str(tmp_path / "two.tif"), occlusion=False))

    assert any("more than one picture" in warning for warning in found.subject.warnings)
    assert found.subject.stages[0].pixels.max() == 10


@pytest.fixture
def explained_as(
    recipe: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Subject]:
    """Return a function that explains the picture with other fields of its Sample."""

    def explained_as(**fields: Any) -> Subject:
        def changed(*given: Any) -> Any:
            sample, stages, more = prepare_first_sample(*given)
            return replace(sample, **fields), stages, more

        monkeypatch.setattr("diascope.explain_picture.prepare_first_sample", changed)
        pipeline = compose(read_recipe(str(recipe), OVERRIDES))
        return explain_item(pipeline, ExplainRequest(str(picture), occlusion=False)).subject

    return explained_as


def test_the_region_of_a_larger_picture_is_shown(
    explained_as: Callable[..., Subject],
) -> None:
    subject = explained_as(region=Region(875, 12, 292, 290))

    place = {"x": 875, "y": 12, "width": 292, "height": 290}
    assert subject.facts["region of the whole picture (pixels)"] == place


def test_an_explanation_has_the_warnings_of_a_run_about_the_file(
    explained_as: Callable[..., Subject],
) -> None:
    subject = explained_as(facts={"view": "PA", "orientation": r"R\F"})

    assert [warning for warning in subject.warnings if "is turned or mirrored" in warning]


def test_a_picture_that_fails_in_a_run_has_no_explanation(
    explained_as: Callable[..., Subject],
) -> None:
    with pytest.raises(ReadError, match="the score of red is not a number"):
        explained_as(pixels=np.full((32, 32, 3), np.nan))


def test_a_model_on_mps_is_inspected_on_the_cpu(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(tmp_path / "auto.yaml", tiny_weights, run={"workers": 0})
    apples = {"auto": "mps"}
    monkeypatch.setattr(pipeline_module, "choose_device", lambda wanted: apples.get(wanted, wanted))
    pipeline = compose(read_recipe(str(recipe), OVERRIDES))
    assert inspectable_classifier(pipeline).runtime.device == "cpu"


@pytest.mark.parametrize(
    ("task", "points", "rank"),
    [
        ("multiclass", (None, None, None), 0),
        ("multiclass", (1.0, 0.001, 1.0), 1),
        ("multilabel", (1.0, 0.001, 0.001), 1),
        ("multilabel", (1.0, 1.0, 1.0), 0),
    ],
)
def test_without_a_named_label_the_predicted_one_is_explained(
    recipe: Path,
    picture: Path,
    tiny_weights: Path,
    task: Any,
    points: tuple[float | None, ...],
    rank: int,
) -> None:
    """The points are those of the labels in descending order of score."""
    request = ExplainRequest(str(picture), occlusion=False)

    def subject() -> Subject:
        return explain_item(compose(read_recipe(str(recipe), OVERRIDES)), request).subject

    scores = subject().prediction.scores
    ranked = sorted(scores, key=lambda name: -scores[name])
    labels = tuple(Label(name, operating_point=points[ranked.index(name)]) for name in scores)
    write_card(replace(read_card(tiny_weights), task=task, labels=labels), tiny_weights)

    assert subject().chosen == ranked[rank]
