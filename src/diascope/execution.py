"""Which engine executes a network: the fastest one here that does not change the answers."""

import math
import time
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard, check_digest
from diascope.contracts import Runtime
from diascope.decision import decide, scores_of
from diascope.engines import store
from diascope.engines.opening import REFERENCE, Opening, installed
from diascope.engines.outputs import Engine, Outputs
from diascope.engines.reference import drawn
from diascope.errors import RecipeError, reason_of

_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Execution:
    """Which engine executes a network, and what is known of it.

    Attributes:
        engine, precision: such as ``openvino`` and ``bfloat16``.
        change: by how much it moves a score at most, against torch in float32, on the reference
            pictures; it flips no decision there.
        speed: pictures a second as a multiple of those of torch in float32, when it was chosen.
        refused: what else was tried, and why it was not taken.
    """

    engine: str
    precision: str
    change: float = 0.0
    speed: float = 1.0
    refused: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """In words."""
        name = f"{self.engine} {self.precision}"
        if (self.engine, self.precision) == REFERENCE:
            return name
        return (
            f"{name}, {self.speed:.1f} times as fast as torch float32 when it was chosen; on the "
            f"reference pictures it moved a score by {self.change:.1e} at most"
        )


def engine_for(card: ModelCard, directory: Path, runtime: Runtime) -> tuple[Engine, Execution]:
    """Load the network of a weights folder into the engine that the runtime asks for.

    Where the runtime leaves a choice, all that is installed is timed on reference pictures, once
    for these weights on this machine; what moves a score by more than the runtime's tolerance or
    flips a decision there is left out.

    Raises:
        RecipeError: if what is asked for is not installed, or changes the answers by more.
        WeightsError: if the weights are missing, damaged or do not fit.
    """
    check_digest(card, directory)
    opening = Opening(card, directory, runtime)
    wanted = runtime.engine, runtime.precision
    if wanted == REFERENCE:
        return opening.open(REFERENCE), Execution(*REFERENCE)
    kept = store.read(_choice(opening, *wanted))
    if kept is not None:
        chosen = Execution(**kept | {"refused": tuple(kept["refused"])})
        return opening.open((chosen.engine, chosen.precision)), chosen
    engine, chosen = _chosen(opening)
    for each in {wanted, (chosen.engine, chosen.precision)}:
        store.write(_choice(opening, *each), asdict(chosen))
    return engine, chosen


def _choice(opening: Opening, engine: str, precision: str) -> Path:
    """Return where the choice for a wish is kept."""
    return opening.folder / f"choice-{engine}-{precision}-{opening.runtime.tolerance:g}.json"


def moved(right: Outputs, other: Outputs, card: ModelCard) -> float:
    """Return by how much scores differ at most; infinity where a decision does, or one is missing.

    For heads that weigh regions, the share of each picture among all counts as a score.
    """
    if not np.isfinite(other.logits).all():
        return math.inf
    before, after = scores_of(right.logits, card), scores_of(other.logits, card)
    for rows in zip(before, after, strict=True):
        one, two = (decide(dict(zip(card.names, row, strict=True)), card) for row in rows)
        if one != two:
            return math.inf
    change = float(np.abs(before - after).max())
    if right.attention is not None and other.attention is not None:
        shares = np.abs(_shares(right.attention) - _shares(other.attention))
        change = max(change, float(shares.max()))
    return change


def _chosen(opening: Opening) -> tuple[Engine, Execution]:
    card, refused = opening.card, list[str]()
    candidates = opening.candidates()
    if not candidates:
        raise _missing(opening.runtime)
    pictures = drawn(card.size, card.channels)
    reference = opening.open(REFERENCE)
    right, unit = _timed(reference, pictures)
    fitting: list[tuple[float, Engine, Execution]] = []
    for candidate in candidates:
        if candidate == REFERENCE:
            fitting.append((unit, reference, Execution(*REFERENCE)))
            continue
        try:
            engine = opening.open(candidate)
            outputs, seconds = _timed(engine, pictures)
        except Exception as error:  # what an engine cannot do, only trying tells
            refused.append(f"{' '.join(candidate)}: {reason_of(error)}")
            continue
        change = moved(right, outputs, card)
        if change <= opening.runtime.tolerance:
            execution = Execution(*candidate, change, unit / seconds)
            fitting.append((seconds, engine, execution))
        else:
            what = f"moves a score by {change:.2g}" if math.isfinite(change) else "flips a decision"
            refused.append(f"{' '.join(candidate)}: {what}")
    if not fitting:
        raise RecipeError(
            f"run.engine and run.precision leave nothing that answers as {card.name} does: "
            f"{'; '.join(refused)}; at most {opening.runtime.tolerance:g} is allowed",
            hint="Write `engine: auto` and `precision: auto`, or a larger run.tolerance.",
        )
    _, engine, execution = min(fitting, key=itemgetter(0))
    return engine, replace(execution, refused=tuple(refused))


def _timed(engine: Engine, pictures: NDArray[np.float32]) -> tuple[Outputs, float]:
    """Return what an engine gives, and the seconds that it takes at best."""
    outputs, best = engine.run(pictures), math.inf
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        engine.run(pictures)
        best = min(best, time.perf_counter() - start)
    return outputs, best


def _shares(attention: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(attention.astype(np.float64) - attention.max())
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares


def _missing(runtime: Runtime) -> RecipeError:
    engine, precision = runtime.engine, runtime.precision
    if engine != "auto" and installed(engine) is None:
        return RecipeError(
            f"run.engine is {engine}, and the packages that it needs are not installed",
            hint=f'pip install "diascope[{engine}]", or write `engine: auto`.',
        )
    return RecipeError(
        f"no engine computes in {precision} on {runtime.device} (engine: {engine})",
        hint="Write `engine: auto` and `precision: auto`.",
    )
