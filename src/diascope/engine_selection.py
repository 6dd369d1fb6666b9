"""Which engine executes a network: the fastest one here that does not change the answers."""

import math
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from pathlib import Path
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard, check_digest
from diascope.contracts import Runtime
from diascope.engines import graph_cache
from diascope.engines.open_engines import INT8, REFERENCE, Candidate, EngineLoader, installed
from diascope.engines.outputs import Engine, Outputs, concatenate_outputs
from diascope.engines.reference_pictures import COUNT, draw_reference_pictures
from diascope.errors import DeviceError, RecipeError, reason_of
from diascope.novelty import FeatureStatistics, load_statistics
from diascope.parity import Parity, combine_parities, compare_outputs

_ROUNDS = 2
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Execution:
    """Which engine executes a network, and what is known of it.

    Attributes:
        engine, precision: such as ``openvino`` and ``bfloat16``; in int8 with the digest of the
            quantised graph, such as ``int8-0123abcd``.
        change: by how much it moves a score at most, against torch in float32, on the reference
            pictures, and in int8 on those of its quantisation too; it flips no decision there.
        speed: pictures a second as a multiple of those of torch in float32, when it was chosen.
        refused: what else was tried, and why it was not taken.
        broken: those among them that raised an error. That may pass: they are tried again a few
            times before the choice holds.
    """

    engine: str
    precision: str
    change: float = 0.0
    speed: float = 1.0
    refused: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def is_reference(self) -> bool:
        """Whether it is the one that all others are measured against."""
        return (self.engine, self.precision) == REFERENCE

    @property
    def title(self) -> str:
        """In words."""
        return (
            f"{self.engine} {self.precision}, {self.speed:.1f} times as fast as torch float32 when "
            "it was chosen; on the reference pictures it moved a score by "
            f"{self.change:.1e} at most"
        )


def load_engine(card: ModelCard, directory: Path, runtime: Runtime) -> tuple[Engine, Execution]:
    """Load the network of a weights folder into the engine that the runtime asks for.

    Where the runtime leaves a choice, all that is installed is timed on reference pictures, once
    for these weights on this machine; what moves a score by more than the runtime's tolerance or
    flips a decision there is left out.

    Raises:
        RecipeError: if what is asked for is not installed, was not quantised here, or changes the
            answers by more.
        WeightsError: if the weights are missing, damaged or do not fit.
    """
    check_digest(card, directory)
    opening = EngineLoader(card, directory, runtime)
    wanted = opening.requested
    if wanted == REFERENCE:
        return opening.open(REFERENCE), Execution(*REFERENCE)
    tries, kept = _kept(_choice(opening, *wanted))
    if kept is not None and not (kept.broken and tries < _TRIES):
        return opening.open((kept.engine, kept.precision)), kept
    engine, chosen = _chosen(opening, load_statistics(card, directory))
    with suppress(OSError):  # the disk is full: it is chosen again the next time
        for each in {wanted, (chosen.engine, chosen.precision)}:
            graph_cache.write_entry(_choice(opening, *each), asdict(chosen) | {"tries": tries + 1})
    if not opening.folder.is_relative_to(graph_cache.cache_root()):
        told = "cannot be written: the engine is chosen anew in every run, and may be another one"
        warn(
            f"{graph_cache.cache_root()} {told}; DIASCOPE_CACHE names another folder", stacklevel=2
        )
    return engine, chosen


def check_engine_request(card: ModelCard, directory: Path, runtime: Runtime) -> None:
    """Check, without the network, that something here can execute it as the runtime asks for.

    Raises:
        RecipeError: if what is asked for is not installed or was not quantised here.
    """
    opening = EngineLoader(card, directory, runtime)
    if opening.requested != REFERENCE:
        _candidates(opening)


def _kept(path: Path) -> tuple[int, Execution | None]:
    """Return how often was chosen, and what the last time; None if that is missing or damaged."""
    entry = graph_cache.read_entry(path) or {}
    tries = entry.pop("tries", 0)
    try:
        chosen = Execution(**entry)
    except TypeError:
        return 0, None
    return tries, replace(chosen, refused=tuple(chosen.refused), broken=tuple(chosen.broken))


def _choice(opening: EngineLoader, engine: str, precision: str) -> Path:
    """Return where the choice for a wish is kept."""
    wish = f"{engine}-{precision}-{opening.runtime.tolerance:g}-{_at_once(opening)}"
    return opening.folder / f"choice-{wish}.json"


def _at_once(opening: EngineLoader) -> int:
    """Return how many pictures engines are timed with at once."""
    return min(opening.runtime.batch, COUNT)


def _chosen(
    opening: EngineLoader, statistics: FeatureStatistics | None
) -> tuple[Engine, Execution]:
    card, refused, broken = opening.card, list[str](), list[str]()
    candidates = _candidates(opening)
    pictures = draw_reference_pictures(card.size, card.channels)
    reference = opening.open(REFERENCE)
    at_once, right, unit = _reference(reference, pictures, _at_once(opening))
    fitting: list[tuple[float, Engine, Execution]] = []
    for candidate in candidates:
        if candidate == REFERENCE:
            fitting.append((unit, reference, Execution(*REFERENCE)))
            continue
        try:
            engine = opening.open(candidate)
            outputs, seconds = time_engine(engine, pictures, at_once)
        except DeviceError:
            raise
        except Exception as error:  # what an engine cannot do, only trying tells
            refused.append(f"{' '.join(candidate)}: {reason_of(error)}")
            broken.append(" ".join(candidate))
            continue
        before = [Parity(**facts)] if (facts := opening.recorded_parity(candidate)) else []
        found = combine_parities([compare_outputs(right, outputs, card, statistics), *before])
        if found.within(opening.runtime.tolerance):
            fitting.append((seconds, engine, Execution(*candidate, found.change)))
        else:
            refused.append(f"{' '.join(candidate)}: {found}")
    if not fitting:
        raise RecipeError(
            f"run.engine and run.precision leave nothing that answers as {card.name} does: "
            f"{'; '.join(refused)}; a score may move by {opening.runtime.tolerance:g} "
            "(run.tolerance), no decision may flip",
            where=_asked(opening.runtime),
            hint="Write `engine: auto` and `precision: auto`.",
        )
    seconds, engine, execution = min(fitting, key=itemgetter(0))
    if engine is not reference:  # again: at first the machine may have been busy
        unit = min(unit, time_engine(reference, pictures, at_once)[1])
        if unit < seconds and REFERENCE in candidates:
            seconds, engine, execution = unit, reference, Execution(*REFERENCE)
    speed = unit / seconds
    return engine, replace(execution, speed=speed, refused=tuple(refused), broken=tuple(broken))


def _candidates(opening: EngineLoader) -> list[Candidate]:
    if not (candidates := opening.candidates()):
        raise _missing(opening.runtime)
    return candidates


def _reference(
    engine: Engine, pictures: NDArray[np.float32], at_once: int
) -> tuple[int, Outputs, float]:
    """Return how many pictures the reference takes at once, what it gives, and its seconds."""
    while True:
        try:
            return at_once, *time_engine(engine, pictures, at_once)
        except DeviceError:
            raise
        except Exception:  # most likely memory, which a run's own batches would be halved for
            if at_once == 1:
                raise
        at_once //= 2


def time_engine(
    engine: Engine, pictures: NDArray[np.float32], at_once: int
) -> tuple[Outputs, float]:
    """Return what an engine gives, and the seconds that it takes at best.

    Args:
        at_once: pictures in a batch, at most.
    """
    parts = [pictures[start : start + at_once] for start in range(0, len(pictures), at_once)]
    outputs, best = concatenate_outputs([engine.run(part) for part in parts]), math.inf
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for part in parts:
            engine.run(part)
        best = min(best, time.perf_counter() - start)
    return outputs, best


def _missing(runtime: Runtime) -> RecipeError:
    engine, precision = runtime.engine, runtime.precision
    hint = "Write `engine: auto` and `precision: auto`."
    if precision.startswith(INT8):
        hint = 'int8 needs `device: cpu`, `engine: auto` and pip install "diascope[openvino]".'
    elif engine != "auto" and installed(engine) is None:
        return RecipeError(
            f"run.engine is {engine}, and the packages that it needs are not installed",
            where="run.engine",
            hint=f'pip install "diascope[{engine}]", or write `engine: auto`.',
        )
    return RecipeError(
        f"no engine computes in {precision} on {runtime.device} (engine: {engine})",
        where=_asked(runtime),
        hint=hint,
    )


def _asked(runtime: Runtime) -> str:
    """Return the key of the recipe that leaves the least choice."""
    return "run.engine" if runtime.precision == "auto" else "run.precision"
