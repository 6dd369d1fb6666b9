"""The Predictor of models that consist of a backbone, a head and a card."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from diascope.aggregation import Aggregation, dissent_warnings, item_scores
from diascope.card import ModelCard
from diascope.contracts import Runtime
from diascope.decision import (
    check_thresholds,
    decide,
    prediction_set,
    scores_from_logits,
    without_operating_points,
)
from diascope.engine_selection import Execution, load_engine
from diascope.engines.outputs import Engine, Outputs
from diascope.errors import PluginError, RecipeError
from diascope.frames import Frames
from diascope.network_input import to_network_input
from diascope.novelty import FeatureStatistics, load_statistics, novelty_warnings
from diascope.sample import Evidence, Item, Prediction, Sample, ScoreKind

if TYPE_CHECKING:
    from diascope.network import Network

TestTime = Literal["card", "none", "flips"]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A loaded network that classifies batches of samples.

    Attributes:
        execution: the description of the engine.
        aggregation: how the frames of an item become one answer; ``card`` is ``attention`` if the
            card's head has it, else ``mean``.
        top_k: the number of frames per label for ``top-k``.
        test_time: ``flips`` averages the logits and the evidence of the picture and its three
            mirror images; ``card`` follows the card, whose calibration was fitted that way.
        statistics: those of the training pictures' features; None if the card has no novelty limit.
    """

    engine: Engine
    card: ModelCard
    runtime: Runtime
    aggregation: Aggregation | Literal["card"] = "card"
    top_k: int = 5
    test_time: TestTime = "card"
    statistics: FeatureStatistics | None = None
    execution: Execution | None = None

    @property
    def network(self) -> "Network":
        """The PyTorch network, whose layers can be inspected.

        Raises:
            PluginError: if the engine executes an exported graph instead.
        """
        network: Network | None = getattr(self.engine, "network", None)
        if network is None:
            raise PluginError(
                f"{self.engine.name} executes a translation of the network, without its layers",
                hint="Write `run: {engine: torch, precision: float32}`.",
            )
        return network

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        """Return one Prediction for each Sample.

        Raises:
            ValueError: if a sample does not have the size or the channels that the card names.
        """
        units = [to_network_input(sample, self.card.size, self.card.channels) for sample in samples]
        outputs = self._run(np.stack(units))
        scores = scores_from_logits(outputs.logits, self.card)
        novelties = self._novelties(outputs)
        return [
            self._prediction(sample, unit, scores[index], outputs, index, novelties[index])
            for index, (sample, unit) in enumerate(zip(samples, units, strict=True))
        ]

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        """Combine the predictions of an item's frames into one for the item.

        A single frame's prediction is the item's, unless the aggregation is ``area``. Evidence,
        preview and trace come from the frame with the highest score for the item's predicted
        label, or with ``attention`` from the frame with the largest weight.
        """
        frames = Frames()
        for prediction in predictions:
            frames.add(prediction)
        regions = frames.regions
        if frames.count == 1 and regions is None and self._method != "area":
            return frames.best[self.card.names[0]]
        scores = item_scores(frames, self.card, self._method, self.top_k)
        predicted = decide(scores, self._deciding)
        top = max(predicted or self.card.names, key=lambda name: scores[name])
        heaviest = frames.heaviest if self._method == "attention" else None
        shown = heaviest or frames.best[top]
        warnings = frames.warnings
        if self._method == "mean":
            warnings += dissent_warnings(frames, self.card, predicted)
        return replace(
            shown,
            item=item,
            scores=scores,
            score_kind=self._aggregated_score_kind(frames.count),
            predicted=predicted,
            samples=frames.count,
            prediction_set=self._prediction_set(scores) if self._is_fitted(frames.count) else None,
            novelty=frames.novelty,
            warnings=warnings,
            trace=(*shown.trace, f"{frames.count} {frames.noun} aggregated by {self._method}"),
            overview=frames.overview,
            regions=regions,
            attention=None,
        )

    @property
    def _method(self) -> Aggregation | Literal["attention"]:
        return self.card.aggregation if self.aggregation == "card" else self.aggregation

    @property
    def _deciding(self) -> ModelCard:
        """The card, without its operating points for ``area``: they apply to scores, not shares."""
        return without_operating_points(self.card) if self._method == "area" else self.card

    @property
    def flips(self) -> bool:
        """Whether logits and evidence are means over the picture and its mirror images."""
        return (self.card.test_time if self.test_time == "card" else self.test_time) == "flips"

    def _score_kind(self) -> ScoreKind:
        """Scores are calibrated only with the card's own test-time augmentation."""
        fitting = self.test_time in ("card", self.card.test_time)
        calibrated = fitting and self.card.score_kind == "probability"
        return "probability" if calibrated else self._uncalibrated()

    def _aggregated_score_kind(self, count: int) -> ScoreKind:
        if self._method == "area":
            return "share"
        return self._score_kind() if self._is_fitted(count) else self._uncalibrated()

    def _is_fitted(self, count: int) -> bool:
        """Whether calibration and prediction sets were fitted to such answers: to whole items if
        the head is trained on them, else to single pictures. A mean of probabilities is too
        cautious for an item whose frames agree, and a maximum too bold."""
        whole = self.card.aggregation == "attention"
        return self._method == "attention" if whole else count == 1

    def _uncalibrated(self) -> ScoreKind:
        return "softmax" if self.card.task == "multiclass" else "sigmoid"

    def _prediction_set(self, scores: dict[str, float]) -> tuple[str, ...] | None:
        coverage = self.runtime.coverage
        return None if coverage is None else prediction_set(scores, self.card, coverage)

    def _run(self, units: NDArray[np.float32]) -> Outputs:
        """Return the network's outputs; logits and maps are means over the mirror images, if any.

        The mirror images' maps are mirrored back, so that the mean map adds up to the mean logit.
        """
        outputs = self.engine.run(units)
        logits, maps = [outputs.logits], [outputs.maps]
        for axes in ((1,), (2,), (1, 2)) if self.flips else ():
            mirrored = self.engine.run(np.ascontiguousarray(np.flip(units, axes)))
            logits.append(mirrored.logits)
            maps.append(np.flip(mirrored.maps, tuple(axis + 1 for axis in axes)))
        if len(maps) == 1:
            return outputs
        return replace(outputs, logits=np.mean(logits, axis=0), maps=np.mean(maps, axis=0))

    def _novelties(self, outputs: Outputs) -> list[float | None]:
        limit = self.card.novelty
        if self.statistics is None or limit is None:
            return [None] * len(outputs.logits)
        novelties: list[float | None] = self.statistics.novelties(outputs.pooled, limit).tolist()
        return novelties

    def _prediction(
        self,
        sample: Sample,
        unit: NDArray[np.float32],
        row: NDArray[np.float64],
        outputs: Outputs,
        index: int,
        novelty: float | None,
    ) -> Prediction:
        scores = dict(zip(self.card.names, row.tolist(), strict=True))
        predicted = decide(scores, self.card)
        notes = ["normalised by the card"]
        if sample.pixels.shape[2] < self.card.channels:
            notes.insert(0, "grey repeated to 3 channels")
        if self.flips:
            notes.append("logits averaged over 4 mirror images")
        if self.card.calibration is not None:
            notes.append(f"calibrated by {self.card.calibration.method}")
        keeps = self.runtime.evidence != "none"
        return Prediction(
            item=sample.item,
            scores=scores,
            score_kind=self._score_kind(),
            predicted=predicted,
            prediction_set=self._prediction_set(scores),
            evidence=self._evidence(outputs, index, scores, predicted) if keeps else (),
            preview=_preview(sample, unit) if keeps else None,
            trace=(*sample.trace, *notes),
            novelty=novelty,
            warnings=novelty_warnings([novelty]),
            region=sample.region,
            overview=sample.overview,
            attention=None if outputs.attention is None else float(outputs.attention[index]),
        )

    def _evidence(
        self,
        outputs: Outputs,
        index: int,
        scores: dict[str, float],
        predicted: tuple[str, ...],
    ) -> tuple[Evidence, ...]:
        names = self.card.names
        if self.card.task == "binary":  # the only logit belongs to the positive label
            shown = names[1:]
            columns = {names[1]: 0}
        else:
            top = max(names, key=lambda name: scores[name])
            wanted = names if self.runtime.evidence == "all" else (*predicted, top)
            shown = tuple(name for name in names if name in wanted)
            columns = {name: column for column, name in enumerate(names)}
        return tuple(
            Evidence(
                label=name,
                map=outputs.maps[index, columns[name]].copy(),
                logit=float(outputs.logits[index, columns[name]]),
                bias=float(outputs.bias[columns[name]]),
            )
            for name in shown
        )


def load_classifier(
    directory: Path,
    card: ModelCard,
    runtime: Runtime,
    *,
    aggregation: Aggregation | Literal["card"] = "card",
    top_k: int = 5,
    test_time: TestTime = "card",
) -> Classifier:
    """Load the network of a weights folder.

    Raises:
        RecipeError: if the recipe's engine is missing or changes the answers, or if the card has no
            thresholds for the recipe's prediction sets or its way of computing scores.
        WeightsError: if the weights are missing, damaged or do not fit.
    """
    if runtime.coverage is not None:
        check_thresholds(card, runtime.coverage)
        own = ("card", card.aggregation), ("card", card.test_time)
        if aggregation not in own[0] or test_time not in own[1]:
            raise RecipeError(
                f"the thresholds of {card.name} are for scores with aggregate: "
                f"{card.aggregation} and test_time: {card.test_time}, unlike this recipe's",
                where="run.coverage",
                hint="Remove run.coverage, or aggregate and test_time.",
            )
    engine, execution = load_engine(card, directory, runtime)
    statistics = load_statistics(card, directory)
    return Classifier(engine, card, runtime, aggregation, top_k, test_time, statistics, execution)


def _preview(sample: Sample, unit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return ``(h, w, 3)`` for display: RGB as it is, all else as the first channel in grey."""
    if sample.pixels.dtype == np.uint8 and sample.range == (0, 255) and unit.shape[2] == 3:
        return np.broadcast_to(sample.pixels, unit.shape)
    picture = np.rint(np.clip(np.nan_to_num(unit), 0, 1) * 255).astype(np.uint8)
    return picture if unit.shape[2] == 3 else np.repeat(picture[:, :, :1], 3, axis=2)
