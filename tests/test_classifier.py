"""The classifier: how the frames of one item become its answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.card import Label, ModelCard
from diascope.classifier import Classifier, load_classifier
from diascope.contracts import Runtime
from diascope.decision import scores_from_logits
from diascope.engines.torch import ReferenceEngine
from diascope.errors import RecipeError, WeightsError
from diascope.plugin_creation import make_backbone
from diascope.sample import Item, Prediction, Sample
from tests.engines.networks import classifier as random_network
from tests.engines.networks import pictures

FILM = Item("film.mp4", "/films/film.mp4")
PAIR = (Label("healthy"), Label("ill"))


def frames(rows: list[tuple[float, ...]], names: tuple[str, ...]) -> list[Prediction]:
    """Predictions of frames with these scores; the trace names the frame."""
    return [
        Prediction(FILM, dict(zip(names, row, strict=True)), "sigmoid", (), trace=(f"frame {i}",))
        for i, row in enumerate(rows)
    ]


@pytest.fixture
def make(make_card: Callable[..., ModelCard]) -> Callable[..., Classifier]:
    """Return a function that makes a classifier which aggregates; it needs no network for that."""

    def make(aggregation: str, **card: Any) -> Classifier:
        runtime = Runtime("cpu", "predicted", make_backbone)
        return Classifier(None, make_card(**card), runtime, aggregation, top_k=2)  # type: ignore[arg-type]

    return make


def test_the_maximum_of_a_binary_task_is_that_of_the_positive_label(
    make: Callable[..., Classifier],
) -> None:
    classifier = make("max", task="binary", labels=PAIR, score_kind="sigmoid")
    film = frames([(0.99, 0.01)] * 9 + [(0.2, 0.8)], ("healthy", "ill"))
    answer = classifier.aggregate(FILM, iter(film))
    assert answer.predicted == ("ill",)
    assert answer.scores == pytest.approx({"healthy": 0.2, "ill": 0.8})


def test_the_frame_that_is_shown_supports_the_predicted_label(
    make: Callable[..., Classifier],
) -> None:
    classifier = make("mean", labels=(Label("a"), Label("b")))
    film = frames([(0.9, 0.1), (0.3, 0.7), (0.2, 0.8), (0.25, 0.75)], ("a", "b"))
    answer = classifier.aggregate(FILM, iter(film))
    assert answer.predicted == ("b",)
    assert answer.trace == ("frame 2", "4 frames aggregated by mean")
    assert answer.samples == 4


@pytest.mark.parametrize(
    ("how", "ill", "warned"),
    [
        ("mean", 8, True),
        ("mean", 1, False),
        ("max", 8, False),
        ("mean", 0, False),
        ("mean", 150, False),
    ],
)
def test_a_label_of_a_part_of_the_frames_is_mentioned_if_their_mean_lacks_it(
    make: Callable[..., Classifier], how: str, ill: int, warned: bool
) -> None:
    classifier = make(how, task="binary", labels=PAIR, score_kind="sigmoid")
    film = frames([(0.9, 0.1)] * (200 - ill) + [(0.2, 0.8)] * ill, ("healthy", "ill"))
    answer = classifier.aggregate(FILM, iter(film))

    text = f"ill is predicted for {ill} of 200 frames, but not by their mean score"
    assert answer.warnings == ((text,) if warned else ())


@pytest.mark.parametrize(
    ("how", "head", "kind"),
    [
        ("mean", "linear", "softmax"),
        ("max", "linear", "softmax"),
        ("card", "attention", "probability"),
        ("mean", "attention", "softmax"),
    ],
)
def test_only_what_was_fitted_to_whole_items_is_a_probability_with_a_set_for_several_frames(
    make: Callable[..., Classifier], how: str, head: str, kind: str
) -> None:
    film = frames([(0.6, 0.4), (0.1, 0.9)], ("dark", "bright"))
    film = [replace(frame, attention=1.0) for frame in film]
    classifier = make(how, head=head, score_kind="probability", conformal={"0.9": 0.2})
    runtime = replace(classifier.runtime, coverage=0.9)
    answer = replace(classifier, runtime=runtime).aggregate(FILM, iter(film))

    assert answer.score_kind == kind
    assert (answer.prediction_set is not None) == (kind == "probability")


@pytest.mark.parametrize(("task", "kind"), [("multiclass", "softmax"), ("multilabel", "sigmoid")])
def test_the_score_kind_is_right_whatever_the_card_says(
    make: Callable[..., Classifier], task: str, kind: str
) -> None:
    film = frames([(0.6, 0.4), (0.1, 0.9)], ("dark", "bright"))
    classifier = make("mean", task=task, score_kind="logit")
    assert classifier.aggregate(FILM, iter(film)).score_kind == kind


def test_the_prediction_of_a_single_frame_is_the_items(make: Callable[..., Classifier]) -> None:
    (only,) = frames([(0.6, 0.4)], ("dark", "bright"))
    assert make("top-k").aggregate(FILM, iter([only])) is only


def test_the_area_of_a_single_frame_is_a_share_too(make: Callable[..., Classifier]) -> None:
    answer = make("area").aggregate(FILM, iter(frames([(0.4, 0.6)], ("dark", "bright"))))
    assert (answer.scores, answer.score_kind) == ({"dark": 0.0, "bright": 1.0}, "share")
    assert (answer.predicted, answer.samples) == (("bright",), 1)
    assert answer.trace[-1] == "1 frame aggregated by area"


def test_the_mean_is_that_of_the_frames(make: Callable[..., Classifier]) -> None:
    rows = [(0.6, 0.4), (0.1, 0.9), (0.2, 0.8)]
    answer = make("mean").aggregate(FILM, iter(frames(rows, ("dark", "bright"))))
    assert list(answer.scores.values()) == pytest.approx(list(np.mean(rows, axis=0)))


@pytest.mark.parametrize(
    "changes", [{"aggregation": "max"}, {"aggregation": "area"}, {"test_time": "flips"}], ids=str
)
def test_thresholds_for_other_scores_are_refused_before_anything_is_loaded(
    make_card: Callable[..., ModelCard], changes: dict[str, Any]
) -> None:
    card, nowhere = make_card(conformal={"0.9": 0.2}), Path("nowhere")
    runtime = Runtime("cpu", "none", make_backbone, coverage=0.9)
    with pytest.raises(WeightsError):  # whose weights are not there, which is looked at next
        load_classifier(nowhere, card, runtime, aggregation="mean", test_time="none")
    with pytest.raises(RecipeError, match="with aggregate: mean and test_time: none, unlike"):
        load_classifier(nowhere, card, runtime, **changes)
    with pytest.raises(WeightsError):
        load_classifier(nowhere, card, replace(runtime, coverage=None), **changes)


def test_the_evidence_of_mirror_images_adds_up_to_the_logit_behind_the_score() -> None:
    network, card = random_network("convnet")
    engine, runtime = ReferenceEngine(network, card, "cpu"), Runtime("cpu", "all", make_backbone)
    (picture,) = pictures(card, 1)
    views = [picture, picture[::-1], picture[:, ::-1], picture[::-1, ::-1]]
    maps = engine.run(np.ascontiguousarray(views)).maps
    back = [maps[0], maps[1][:, ::-1], maps[2][:, :, ::-1], maps[3][:, ::-1, ::-1]]
    flips = Classifier(engine, card, runtime, test_time="flips")
    (answer,) = flips.predict([Sample(FILM, picture, range=(0, 1))])
    found = np.array([each.map for each in answer.evidence])
    assert found == pytest.approx(np.mean(back, axis=0), abs=1e-5)
    assert [each.residual for each in answer.evidence] == pytest.approx([0, 0, 0], abs=1e-5)
    logits = np.array([[each.logit for each in answer.evidence]])
    assert scores_from_logits(logits, card)[0] == pytest.approx(list(answer.scores.values()))
