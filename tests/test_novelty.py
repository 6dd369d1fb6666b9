"""The novelty of pictures and its warnings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from diascope.card import (
    WEIGHTS_FILE,
    ModelCard,
    NoveltyLimit,
    file_digest,
    read_card,
    write_card,
)
from diascope.classifier import Classifier, load_classifier
from diascope.contracts import Runtime
from diascope.errors import WeightsError
from diascope.novelty import (
    PREFIX,
    FeatureStatistics,
    load_statistics,
    novelty_warnings,
    views,
)
from diascope.plugin_creation import make_backbone
from diascope.sample import Item, Prediction, Sample

MakeCard = Callable[..., ModelCard]
MakeWeights = Callable[..., tuple[Path, ModelCard]]


def statistics(width: int) -> FeatureStatistics:
    """Features around zero, which vary twice as much along the first axis as along the others."""
    directions = np.eye(1, width, dtype=np.float16)
    return FeatureStatistics(
        mean=np.zeros((2, width), np.float32),
        directions=np.stack([directions, directions]),
        variances=np.float32([[4.0, 1.0], [4.0, 1.0]]),
    )


@pytest.fixture
def limited(make_card: MakeCard, make_weights: MakeWeights) -> Callable[..., Path]:
    """Return a function that writes weights with statistics and a card with their limit."""

    def limited(threshold: float = 0.5) -> Path:
        directory, card = make_weights(make_card())
        path = directory / WEIGHTS_FILE
        held = statistics(4)
        tensors = {PREFIX + name: torch.from_numpy(value) for name, value in vars(held).items()}
        save_file(load_file(path) | tensors, path)
        limit = NoveltyLimit((threshold, threshold), "validation")
        write_card(replace(card, novelty=limit, digest=file_digest(path)), directory)
        return directory

    return limited


def load(directory: Path) -> Classifier:
    return load_classifier(directory, read_card(directory), Runtime("cpu", "none", make_backbone))


def noise(seed: int) -> Sample:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 1), dtype=np.uint8)
    return Sample(Item(f"{seed}.png", f"/x/{seed}.png"), pixels)


def test_a_distance_counts_each_direction_in_its_own_standard_deviations() -> None:
    features = np.array([[3.0, 0, 0, 0], [0, 5.0, 0, 0], [4.0, 0, 3.0, 0]])
    plain, unit = statistics(4).distances(features).T ** 2 * 4

    assert plain == pytest.approx([9 / 4, 25, 16 / 4 + 9])
    assert unit == pytest.approx([1 / 4, 1, 0.8**2 / 4 + 0.6**2])


def test_the_more_novel_view_counts() -> None:
    features = np.array([[0, 0.5, 0, 0], [0, 5.0, 0, 0]])

    assert statistics(4).novelties(features, NoveltyLimit((1.0, 0.25))) == pytest.approx([2, 2.5])


def test_features_without_length_have_a_view_at_unit_length_too() -> None:
    assert views(np.array([[0.0, 0.0], [3.0, 4.0]]))[1].tolist() == [[0, 0], [0.6, 0.8]]


def test_beyond_the_limit_an_answer_carries_a_warning(limited: Callable[..., Path]) -> None:
    classifier = load(limited())
    assert classifier.card.novelty is not None
    (first,) = classifier.predict([noise(0)])
    assert first.novelty is not None
    novelty = first.novelty * classifier.card.novelty.thresholds[0]
    near, far = (
        load_with(classifier, threshold).predict([noise(0)])[0]
        for threshold in (novelty * 1.01, novelty / 4.2)
    )

    assert (near.out_of_distribution, near.warnings) == (False, ())
    assert far.out_of_distribution
    assert far.warnings == (
        "unlike the pictures that the model was trained on (4.20 times the limit)",
    )


def test_a_card_without_a_limit_gives_no_novelty(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    (answer,) = load(make_weights(make_card())[0]).predict([noise(0)])

    assert (answer.novelty, answer.out_of_distribution, answer.warnings) == (None, None, ())


def test_mirror_images_do_not_change_the_novelty(limited: Callable[..., Path]) -> None:
    classifier = load(limited())
    plain, mirrored = (
        replace(classifier, test_time=how).predict([noise(1)])[0].novelty
        for how in ("none", "flips")
    )

    assert plain == mirrored


def test_a_film_says_how_many_of_its_frames_are_novel(
    limited: Callable[..., Path],
) -> None:
    classifier = load(limited())
    film = Item("film.mp4", "/x/film.mp4")
    frames = [
        Prediction(film, {"dark": share, "bright": 1 - share}, "softmax", (), novelty=novelty)
        for share, novelty in ((0.9, 0.4), (0.6, 31.4), (0.7, 1.5))
    ]
    answer = classifier.aggregate(film, iter(frames))

    assert answer.novelty == 31.4
    assert answer.warnings == (
        "2 of 3 frames unlike the pictures that the model was trained on "
        "(up to 31 times the limit)",
    )


def test_a_film_is_novel_if_more_than_a_tenth_of_its_frames_are(
    limited: Callable[..., Path],
) -> None:
    classifier, film = load(limited()), Item("film.mp4", "/x/film.mp4")
    scores = {"dark": 0.9, "bright": 0.1}

    def warned(*novelties: float) -> bool:
        frames = [Prediction(film, scores, "softmax", (), novelty=each) for each in novelties]
        answer = classifier.aggregate(film, iter(frames))
        assert (answer.novelty > 1) == bool(answer.warnings)
        return bool(answer.warnings)

    assert not warned(*[0.5] * 9, 31.4)  # a tenth
    assert warned(*[0.5] * 8, 1.01)  # a ninth
    assert warned(0.5, 1.01)


def test_no_frames_beyond_the_limit_are_no_warning() -> None:
    assert novelty_warnings([None]) == novelty_warnings([0.2, 1.0]) == ()


def test_weights_without_the_statistics_that_the_card_names_are_refused(
    make_card: MakeCard, make_weights: MakeWeights
) -> None:
    directory, card = make_weights(make_card())

    with pytest.raises(WeightsError, match="lacks the feature statistics"):
        load_statistics(replace(card, novelty=NoveltyLimit((1.0, 1.0))), directory)


def load_with(classifier: Classifier, threshold: float) -> Classifier:
    limit = NoveltyLimit((threshold, threshold))
    return replace(classifier, card=replace(classifier.card, novelty=limit))
