"""Compose a recipe and its plugins into a pipeline that classifies items."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal
from warnings import warn

from diascope.batching import (
    BatchPredictor,
    FramePredictions,
    check_prediction,
    drop_unwanted_evidence,
)
from diascope.contracts import (
    Executor,
    Model,
    Predictor,
    Prepared,
    Report,
    Runtime,
)
from diascope.engine_selection import Execution
from diascope.engines.device import accelerators, choose_device, choose_devices
from diascope.engines.multi_device import DevicePredictor, MultiDevicePredictor
from diascope.errors import ENDS, PluginError, RecipeError, reason_of
from diascope.file_warnings import add_file_warnings
from diascope.partial_results import PartialResults
from diascope.plugin_creation import (
    make_backbone,
    make_part,
    make_readers,
    newer_api_warnings,
)
from diascope.plugins import (
    Plugin,
    blame_plugin,
    card_of,
    failure_reason,
    find_plugin,
)
from diascope.preparation import Part, Preparation, file_digests
from diascope.recipe import Recipe
from diascope.sample import Failed, Item, Prediction, Record, Skipped
from diascope.training_mismatch import mismatch_warnings

_DECIDING = ("device", "devices", "engine", "precision", "tolerance", "evidence", "coverage")


@dataclass
class Pipeline:
    """A recipe with its plugins, ready to run; the Work of an Executor.

    ``prepare`` runs in any process, ``finish`` where the network is. The loaded network is not
    pickled.

    Attributes:
        engine: the engine and precision that execute the network; None to follow the recipe.
        warnings: what the user should know before a run, such as steps that differ from training.
    """

    recipe: Recipe
    preparation: Preparation
    model: Part[Model]
    reports: tuple[Part[Report], ...]
    executor: Part[Executor]
    warnings: tuple[str, ...] = ()
    engine: tuple[str, str] | None = None
    predictor: Predictor | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"predictor": None}

    @property
    def batch(self) -> int:
        return self.recipe.run.batch

    @property
    def workers(self) -> int | Literal["auto"]:
        return self.recipe.run.workers

    @property
    def parts(self) -> tuple[Part[Any], ...]:
        """The plugins that determine the predictions."""
        return (*self.preparation.readers, *self.preparation.steps, self.model)

    @property
    def weights(self) -> Path | None:
        """The model's weights folder; None if it keeps its weights elsewhere, such as in a file."""
        folder = getattr(self.model.instance, "weights", None)
        return folder if isinstance(folder, Path) and folder.is_dir() else None

    def digest(self) -> str:
        """Return the SHA-256 of all that determines a prediction."""
        text = json.dumps(self.deciding_facts(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def deciding_facts(self) -> dict[str, Any]:
        """Return all that determines a prediction, as plain values.

        That is the recipe, the plugins' versions, the files that their parameters name, the card.
        """
        recipe = self.recipe.plain()
        facts: dict[str, Any] = {
            "recipe": {key: recipe[key] for key in ("read", "accept", "preprocess", "model")},
            "run": {key: recipe["run"][key] for key in _DECIDING},
            "plugins": [astuple(plugin) for plugin in self._deciding()],
            "card": self.model.instance.card.deciding(),
        }
        if files := file_digests(self.parts):
            facts["files"] = files
        return facts

    def load(self) -> Predictor:
        """Load the model once per device. Later loads, in other processes too, keep its engine.

        Raises:
            WeightsError: if its weights are missing, damaged or do not fit.
            RecipeError: if a device or the engine is not available on this machine.
        """
        if self.predictor is None:
            loaded = [DevicePredictor(device, self._load_on(device)) for device in self.devices]
            if len(loaded) > 1:
                self.predictor = MultiDevicePredictor(loaded, self._report_lost_device)
            else:
                self.predictor = loaded[0].predictor
        return self.predictor

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this machine that the recipe selects.

        Raises:
            RecipeError: if one does not exist.
        """
        options = self.recipe.run
        try:
            if options.devices is None:
                return (choose_device(options.device),)
            return choose_devices(options.devices)
        except ValueError as error:
            key = "run.device" if options.devices is None else "run.devices"
            raise self.recipe.locate(RecipeError(str(error), where=key)) from error

    def _load_on(self, device: str) -> Predictor:
        """Load the model onto a device, with the engine that was chosen for the first device."""
        try:
            with blame_plugin(self.model.plugin, "cannot be loaded"):
                predictor = self.model.instance.load(self.runtime(device))
        except RecipeError as error:
            raise self.recipe.locate(error) from error
        if not (hasattr(predictor, "predict") and hasattr(predictor, "aggregate")):
            raise PluginError(
                f"{self.model.plugin.title}: expected load() to return a Predictor, with predict "
                f"and aggregate, got {type(predictor).__name__}"
            )
        if (execution := _execution(predictor)) is not None:
            self.engine = execution.engine, execution.precision
        return predictor

    def _report_lost_device(self, device: str, error: Exception) -> None:
        """Warn, now and in ``run.json``, that a device failed where another one succeeded."""
        strict = self.recipe.privacy == "strict"
        cause = type(error).__name__ if strict else reason_of(error)
        message = f"the device {device} failed and is left out: {cause}"
        self.warnings += (message,)
        warn(message, stacklevel=2)

    @property
    def execution(self) -> Execution | None:
        """The engine that executes the loaded model; None if the model does not report it."""
        return _execution(self.predictor)

    def runtime(self, device: str) -> Runtime:
        """Return how the recipe wants the model executed on a device."""
        options = self.recipe.run
        engine, precision = self.engine or (options.engine, options.precision)
        return Runtime(
            device=device,
            evidence=options.evidence,
            backbone=make_backbone,
            coverage=options.coverage,
            engine=engine,
            precision=precision,
            tolerance=options.tolerance,
            plugins=tuple(plugin.title for plugin in self._deciding()),
            network_plugins=tuple(plugin.title for plugin in self._network_plugins()),
            batch=self.batch,
        )

    def _deciding(self) -> list[Plugin]:
        """Return the plugins that determine the predictions, including the backbone's."""
        readers = [part.plugin for part in self.preparation.readers]
        steps = [part.plugin for part in self.preparation.steps]
        return [*readers, *steps, *self._network_plugins()]

    def _network_plugins(self) -> list[Plugin]:
        """Return the plugins that make the network: the model's and its backbone's."""
        plugins = [self.model.plugin]
        with suppress(PluginError):  # if it is missing, loading reports it
            plugins.append(find_plugin("backbone", self.model.instance.card.backbone))
        return plugins

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Read and preprocess one item."""
        return self.preparation.prepare(item)

    def keep_partial_results(self, folder: Path) -> None:
        """Save the predictions of regions in a folder until their item is finished."""
        folder.mkdir(exist_ok=True)
        results = PartialResults(folder, self.digest())
        self.preparation = replace(self.preparation, partial_results=results)

    def forget_partial_results(self, item: Item) -> None:
        """Delete the saved predictions of an item that is finished."""
        if self.preparation.partial_results is not None:
            self.preparation.partial_results.forget(item)

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        """Classify what ``prepare`` yielded, and yield one Record per item, in order."""
        partial_results = self.preparation.partial_results
        batches = BatchPredictor(self.load, self.model, self.batch, partial_results)
        for item, group in groupby(batches.predict(prepared), key=itemgetter(0)):
            # not in a variable, which would keep the dropped evidence until the next item is done
            yield drop_unwanted_evidence(
                self._aggregate(item, map(itemgetter(1), group)), self.recipe.run.evidence
            )

    def _aggregate(self, item: Item, outcomes: Iterator[Prediction | Failed | Skipped]) -> Record:
        first = next(outcomes)
        if not isinstance(first, Prediction):
            return first
        predictor, frames = self.load(), FramePredictions(chain([first], outcomes))
        try:
            answer = predictor.aggregate(item, iter(frames))
            record = check_prediction(answer, self.model, "aggregate")
        except ENDS:
            raise
        except BaseException as error:  # a plugin may raise anything
            plugin = self.model.plugin
            record = Failed(item, "aggregate", plugin.name, failure_reason(plugin, error, item))
        if frames.fault is not None:
            raise frames.fault
        for _ in frames:  # a frame that the model did not consume may have failed
            pass
        if frames.end is not None:
            return frames.end
        return add_file_warnings(replace(record, item=item), first.warnings)


def compose(recipe: Recipe) -> Pipeline:
    """Load the plugins that a recipe names and check its values against them.

    Raises:
        RecipeError: with ``file:line``, for a value that a plugin does not accept.
        PluginError: for a plugin that is missing, broken or ambiguous.
        WeightsError: if the model's card is missing or wrong.
    """
    readers, broken = make_readers(recipe)
    warnings = [f"left out of `read: auto`: {message}" for message in broken.values()]
    steps = tuple(make_part(reference, recipe) for reference in recipe.preprocess)
    model = make_part(recipe.model, recipe)
    warnings += mismatch_warnings(recipe, card_of(model.plugin, model.instance))
    if recipe.run.devices == "all" and not accelerators():
        warnings.append("run.devices is all, but there is no accelerator here: using the processor")
    reports = tuple(make_part(reference, recipe) for reference in recipe.report)
    executor = make_part(recipe.executor, recipe)
    warnings += newer_api_warnings((*readers, *steps, model, *reports, executor))
    return Pipeline(
        recipe=recipe,
        preparation=Preparation(
            readers,
            steps,
            block=recipe.run.batch,
            acceptance=recipe.accept,
            broken_readers=tuple(broken),
        ),
        model=model,
        reports=reports,
        executor=executor,
        warnings=tuple(warnings),
    )


def _execution(predictor: Predictor | None) -> Execution | None:
    return found if isinstance(found := getattr(predictor, "execution", None), Execution) else None
