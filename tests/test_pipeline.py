"""What happens to a batch and to an answer, with fake plugins that fail on purpose."""

import pickle
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from diascope.document import Node
from diascope.pipeline import Pipeline
from diascope.recipe import Reference
from diascope.sample import Evidence, Failed, Item, Prediction, Sample, Skipped
from tests.fakes import NO_PREDICTION, NOT_A_NUMBER, TOO_FEW, Brightness, FakeModel, step
from tests.fakes import pipeline as pipeline
from tests.fakes import run as run

Run = Callable[..., list[Any]]


def bright(records: Sequence[Any]) -> list[float]:
    return [record.scores["bright"] for record in records]


def test_each_item_gets_its_own_answer_in_order(run: Run) -> None:
    assert bright(run(*["7", "3", "9", "1", "5", "8"])) == [0.07, 0.03, 0.09, 0.01, 0.05, 0.08]


def test_batches_are_full_whatever_items_they_come_from(run: Run, pipeline: Pipeline) -> None:
    run("1 2", "3", "4 5 6", "7")

    assert pipeline.model.instance.loaded[0].batches == [[1, 2, 3, 4], [5, 6, 7]]


def test_the_frames_of_an_item_become_one_answer(run: Run) -> None:
    first, second = run("10 20 60", "40")

    assert (first.samples, first.scores["bright"]) == (3, pytest.approx(0.3))
    assert second.samples == 1


def test_a_failing_batch_is_halved_until_the_bad_item_is_alone(
    run: Run, pipeline: Pipeline
) -> None:
    records = run("1", "2", "13", "4", "5")

    assert [isinstance(record, Failed) for record in records] == [False, False, True, False, False]
    assert pipeline.model.instance.loaded[0].batches == [
        [1, 2, 13, 4],
        [1, 2],
        [13, 4],
        [13],
        [4],
        [5],
    ]


def test_a_model_that_raises_is_named_with_its_reason(run: Run) -> None:
    (failed,) = run("13")

    assert (failed.stage, failed.plugin) == ("model", "fake-model")
    assert failed.reason == "ValueError: an unlucky number"


@pytest.mark.parametrize("raised", [SystemExit, BaseException])  # as what fails in Rust is
def test_a_model_that_raises_a_base_exception_fails_its_item(
    pipeline: Pipeline, run: Run, raised: type[BaseException]
) -> None:
    class Leaving(Brightness):
        def predict(self, samples: Sequence[Sample]) -> Any:
            raise raised(3)

    pipeline.predictor = Leaving()
    (failed,) = run("1")

    assert (failed.stage, failed.reason) == ("model", f"{raised.__name__}: 3")


def test_one_bad_frame_fails_its_item_and_no_other(run: Run) -> None:
    before, failed, after = run("1 2", "3 13 4", "5 6")

    assert isinstance(failed, Failed)
    assert (before.samples, after.samples) == (2, 2)


def test_a_score_that_is_not_a_number_is_a_failure(run: Run) -> None:
    good, failed = run("1", str(NOT_A_NUMBER))

    assert isinstance(good, Prediction)
    assert (failed.stage, failed.reason) == ("model", "the score of dark is not a number")


def test_pixels_that_are_not_numbers_fail_their_item_before_the_model(
    pipeline: Pipeline, run: Run
) -> None:
    def divided(sample: Sample) -> Sample:
        pixels = np.repeat(sample.pixels.astype(np.float32), 4, axis=0)
        pixels[0] = np.nan if pixels[0] == 1 else 0
        pixels = pixels.astype(np.float64)
        pixels[1] = 1e39 if pixels[1] == 3 else 0  # infinite in float32
        return sample.changed(pixels, "divided by 0")

    pipeline.preparation = replace(pipeline.preparation, steps=(step("divide", divided),))
    failed, other, huge = run("1", "2", "3")

    assert (failed.stage, failed.plugin) == ("preprocess", "divide")
    assert huge.reason == failed.reason
    assert failed.reason == "after reader and steps, 1 of 4 pixel values are not finite numbers"
    assert isinstance(other, Prediction)


def test_an_answer_that_the_card_does_not_allow_fails_its_item(
    pipeline: Pipeline, run: Run
) -> None:
    class Loose(Brightness):
        def predict(self, samples: Sequence[Sample]) -> Any:
            return [replace(each, predicted="bright") for each in super().predict(samples)]

    pipeline.predictor = Loose()
    (failed,) = run("1")

    assert (failed.stage, failed.plugin) == ("model", "fake-model")
    assert "expected predicted, a tuple of the card's labels, got 'bright'" in failed.reason


def test_without_evidence_no_preview_of_a_model_is_kept(pipeline: Pipeline, run: Run) -> None:
    class Showing(Brightness):
        def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
            answer, black = super().aggregate(item, predictions), np.zeros((1, 1, 3), np.uint8)
            map_ = Evidence("dark", np.zeros((1, 1), np.float32), 0, 0)
            return replace(answer, evidence=(map_,), preview=black)

    pipeline.predictor = Showing()
    (shown,) = run("1")
    options = replace(pipeline.recipe.run, evidence="none")
    pipeline.recipe = replace(pipeline.recipe, run=options)
    (hidden,) = run("1")

    assert (len(shown.evidence), shown.preview.shape) == (1, (1, 1, 3))
    assert (hidden.evidence, hidden.preview) == ((), None)


def test_an_aggregate_that_is_not_a_number_is_a_failure(run: Run) -> None:
    (failed, good) = run("1 2 3 4 5", "1")

    assert isinstance(failed, Failed)
    assert isinstance(good, Prediction)


@pytest.mark.parametrize("raised", [SystemExit, BaseException])
def test_an_aggregation_that_raises_a_base_exception_fails_its_item(
    pipeline: Pipeline, run: Run, raised: type[BaseException]
) -> None:
    class Leaving(Brightness):
        def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
            raise raised(f"{len(list(predictions))} are enough")

    pipeline.predictor = Leaving()
    (failed,) = run("1 2")

    assert (failed.stage, failed.reason.partition(" (")[0]) == (
        "aggregate",
        f"{raised.__name__}: 2 are enough",
    )


def test_an_aggregation_that_raises_is_named_with_its_reason(run: Run) -> None:
    failed, good = run("1 2 3 4", "1")

    assert (failed.stage, failed.reason) == ("aggregate", "RuntimeError: four is too many")
    assert isinstance(good, Prediction)


@pytest.mark.parametrize("bad", [NO_PREDICTION, TOO_FEW])
def test_a_model_that_returns_something_else_fails_only_that_item(run: Run, bad: int) -> None:
    records = run("1", str(bad), "2")

    assert [type(record) for record in records] == [Prediction, Failed, Prediction]


def test_items_that_end_before_the_network_keep_their_place(run: Run) -> None:
    records = run("1", "# no numbers", "2", "no number", "", "3")
    kinds = [Prediction, Skipped, Prediction, Failed, Skipped, Prediction]

    assert [type(record) for record in records] == kinds
    assert records[3].stage == "read"


def test_the_model_is_loaded_once(run: Run, pipeline: Pipeline) -> None:
    run("1", "2")
    run("3")

    assert len(pipeline.model.instance.loaded) == 1


def test_items_are_classified_before_the_last_one_is_read(
    pipeline: Pipeline, make_item: Callable[..., Item]
) -> None:
    item = make_item(b"1 2 3 4 5 6 7 8")
    read: list[int] = []

    def prepared() -> Iterator[tuple[Item, Any]]:
        for number in range(12):
            read.append(number)
            yield replace(item, id=str(number)), next(pipeline.prepare(item))

    next(pipeline.finish(prepared()))
    assert len(read) < 12


def test_pickling_leaves_the_loaded_network_behind(pipeline: Pipeline) -> None:
    pipeline.load()
    travelled = pickle.loads(pickle.dumps(pipeline))

    assert pipeline.predictor is not None
    assert travelled.predictor is None
    assert (travelled.batch, travelled.recipe) == (pipeline.batch, pipeline.recipe)


def test_the_digest_covers_what_determines_a_prediction(pipeline: Pipeline) -> None:
    model = pipeline.model
    newer = replace(model, plugin=replace(model.plugin, version="1.1"))
    other = replace(model, instance=FakeModel(replace(model.instance.card, digest="x")))
    weights = Reference("model", "fake-model", {"weights": Node("w", "")}, "")

    digests = {
        pipeline.digest(),
        replace(pipeline, model=newer).digest(),
        replace(pipeline, model=other).digest(),
        replace(pipeline, recipe=replace(pipeline.recipe, model=weights)).digest(),
    }
    assert len(digests) == 4


def test_the_digest_does_not_change_with_workers_or_output(pipeline: Pipeline) -> None:
    run = replace(pipeline.recipe.run, workers=3)
    moved = replace(pipeline.recipe, run=run, output="elsewhere")

    assert replace(pipeline, recipe=moved).digest() == pipeline.digest()


def test_a_late_bad_frame_fails_its_item_even_if_the_model_looks_at_the_first_only(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Brightness, "aggregate", lambda self, item, frames: next(frames))
    failed, good = run("1 13", "2")

    assert isinstance(failed, Failed)
    assert isinstance(good, Prediction)


def test_the_memory_of_a_failed_batch_is_freed_before_its_halves_are_tried(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Held:
        """Stands for memory that a batch takes."""

    held: list[weakref.ref[Held]] = []
    predict, alive = Brightness.predict, list[int]()

    def hungry(self: Brightness, samples: Sequence[Any]) -> Any:
        alive.append(sum(each() is not None for each in held))
        taken = Held()
        held.append(weakref.ref(taken))
        if len(samples) > 1:
            raise MemoryError("too many")
        return predict(self, samples)

    monkeypatch.setattr(Brightness, "predict", hungry)
    assert bright(run("1", "2", "3", "4")) == [0.01, 0.02, 0.03, 0.04]
    assert alive == [0] * 7


def test_dropped_evidence_is_freed_before_the_next_item_is_classified(
    pipeline: Pipeline, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    previews: list[weakref.ref[Any]] = []
    alive: list[int] = []

    def aggregate(self: Brightness, item: Item, frames: Iterator[Prediction]) -> Prediction:
        alive.append(sum(each() is not None for each in previews))
        preview = np.zeros((1, 1, 3), np.uint8)
        previews.append(weakref.ref(preview))
        return replace(next(frames), preview=preview)

    monkeypatch.setattr(Brightness, "aggregate", aggregate)
    options = replace(pipeline.recipe.run, evidence="none")
    pipeline.recipe = replace(pipeline.recipe, run=options)
    run("1", "2", "3")

    assert alive == [0, 0, 0]
