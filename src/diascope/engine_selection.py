"""Choose the engine that executes a network: the fastest that does not change the answers."""

import logging
import math
import time
from collections.abc import Sequence
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
from diascope.extras import install_command
from diascope.novelty import FeatureStatistics, load_statistics
from diascope.parity import Parity, combine_parities, compare_outputs

_TIMED_ROUNDS = 2
_TIMED_SECONDS = 10.0
"""After this time no further round starts: of large networks, or on a machine that is busy."""
_FEW = 2
_HOPELESS = f"it takes longer for a few pictures than another engine for {COUNT}"
"""Such as bfloat16 on a processor without instructions for it."""
_MAX_TRIES = 3
"""After how many tries a choice is final although an engine raised an error."""


@dataclass(frozen=True, slots=True)
class Execution:
    """The engine that executes a network, and what was measured when it was chosen.

    Attributes:
        engine, precision: such as ``openvino`` and ``bfloat16``. For int8 the precision includes
            the digest of the quantised graph, such as ``int8-0123abcd``.
        change: the largest difference of a score from torch in float32, on the reference pictures
            and for int8 also on those of its quantisation. No decision differs there.
        speed: the speed as a multiple of that of torch in float32.
        refused: the other candidates that were tried, with the reasons for not using them.
        broken: the candidates that raised an error. As that may be temporary, they are tried again
            a few times before the choice is final.
    """

    engine: str
    precision: str
    change: float = 0.0
    speed: float = 1.0
    refused: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def is_reference(self) -> bool:
        """Whether it is torch in float32, which all others are compared with."""
        return (self.engine, self.precision) == REFERENCE

    @property
    def title(self) -> str:
        """A description in words."""
        return (
            f"{self.engine} {self.precision}, {self.speed:.1f} times as fast as torch float32 when "
            "it was chosen; on the reference pictures it moved a score by at most "
            f"{self.change:.1e}"
        )


def load_engine(card: ModelCard, directory: Path, runtime: Runtime) -> tuple[Engine, Execution]:
    """Load the network of a weights folder into the engine that the runtime asks for.

    If the runtime leaves a choice, all installed engines are timed on reference pictures, once for
    these weights on this machine. Those that change a score by more than the runtime's tolerance or
    flip a decision are left out.

    Raises:
        RecipeError: if the engine is not installed, was not quantised on this machine, or changes
            the answers by more than the tolerance.
        WeightsError: if the weights are missing, damaged or do not fit.
    """
    loader = EngineLoader(card, directory, runtime)
    requested = loader.requested
    if requested == REFERENCE:  # loading the network checks the weights
        return loader.open(REFERENCE), Execution(*REFERENCE)
    check_digest(card, directory)  # a cached graph is opened without them
    tries, earlier = _read_choice(_choice_path(loader, *requested))
    if earlier is not None and not (earlier.broken and tries < _MAX_TRIES):
        return loader.open((earlier.engine, earlier.precision)), earlier
    candidates = _candidates(loader)
    logging.getLogger(__name__).warning(
        "choosing the engine for %s, once on this machine; it may take some minutes", card.name
    )
    engine, chosen = _choose(loader, candidates, load_statistics(card, directory))
    with suppress(OSError):  # if the disk is full, the next run chooses again
        for each in {requested, (chosen.engine, chosen.precision)}:
            graph_cache.write_entry(
                _choice_path(loader, *each), asdict(chosen) | {"tries": tries + 1}
            )
    if not loader.folder.is_relative_to(graph_cache.cache_root()):
        warn(
            f"{graph_cache.cache_root()} cannot be written: each run chooses the engine anew, "
            "possibly another one. Set DIASCOPE_CACHE to another folder.",
            stacklevel=2,
        )
    return engine, chosen


def check_engine_request(card: ModelCard, directory: Path, runtime: Runtime) -> None:
    """Check, without loading the network, that an engine for the runtime's request is available.

    Raises:
        RecipeError: if the engine is not installed or was not quantised on this machine.
    """
    loader = EngineLoader(card, directory, runtime)
    if loader.requested != REFERENCE:
        _candidates(loader)


def _read_choice(path: Path) -> tuple[int, Execution | None]:
    """Return the number of tries and the last choice; None if that is missing or damaged."""
    entry = graph_cache.read_entry(path) or {}
    tries = entry.pop("tries", 0)
    try:
        chosen = Execution(**entry)
    except TypeError:
        return 0, None
    return tries, replace(chosen, refused=tuple(chosen.refused), broken=tuple(chosen.broken))


def _choice_path(loader: EngineLoader, engine: str, precision: str) -> Path:
    """Return the file that stores the choice for a request."""
    request = f"{engine}-{precision}-{loader.runtime.tolerance:g}-{_batch_size(loader)}"
    return loader.folder / f"choice-{request}.json"


def _batch_size(loader: EngineLoader) -> int:
    """Return the batch size with which engines are timed."""
    return min(loader.runtime.batch, COUNT)


def _choose(
    loader: EngineLoader, candidates: Sequence[Candidate], statistics: FeatureStatistics | None
) -> tuple[Engine, Execution]:
    card, refused, broken = loader.card, list[str](), list[str]()
    pictures = draw_reference_pictures(card.size, card.channels)
    reference = loader.open(REFERENCE)
    at_once, expected, reference_seconds = _run_reference(reference, pictures, _batch_size(loader))
    fitting: list[tuple[float, Engine, Execution]] = []
    for candidate in candidates:
        if candidate == REFERENCE:
            fitting.append((reference_seconds, reference, Execution(*REFERENCE)))
            continue
        try:
            engine = loader.open(candidate)
            few = pictures[: min(_FEW, at_once)]
            if fitting and _is_hopeless(engine, few, min(each[0] for each in fitting)):
                refused.append(f"{' '.join(candidate)}: {_HOPELESS}")
                continue
            outputs, seconds = time_engine(engine, pictures, at_once)
        except DeviceError:
            raise
        except Exception as error:  # only trying shows what an engine cannot do
            refused.append(f"{' '.join(candidate)}: {reason_of(error)}")
            broken.append(" ".join(candidate))
            continue
        before = [Parity(**facts)] if (facts := loader.recorded_parity(candidate)) else []
        found = combine_parities([compare_outputs(expected, outputs, card, statistics), *before])
        if found.within(loader.runtime.tolerance):
            fitting.append((seconds, engine, Execution(*candidate, found.change)))
        else:
            refused.append(f"{' '.join(candidate)}: {found}")
    if not fitting:
        raise RecipeError(
            f"run.engine and run.precision leave no engine that answers as {card.name} does: "
            f"{'; '.join(refused)}; a score may move by {loader.runtime.tolerance:g} "
            "(run.tolerance), no decision may flip",
            where=_requested_key(loader.runtime),
            hint="Write `engine: auto` and `precision: auto`.",
        )
    seconds, engine, execution = min(fitting, key=itemgetter(0))
    if engine is not reference:  # time it again, as the machine may have been busy at first
        reference_seconds = min(reference_seconds, time_engine(reference, pictures, at_once)[1])
        if reference_seconds < seconds and REFERENCE in candidates:
            seconds, engine, execution = reference_seconds, reference, Execution(*REFERENCE)
    speed = reference_seconds / seconds
    return engine, replace(execution, speed=speed, refused=tuple(refused), broken=tuple(broken))


def _candidates(loader: EngineLoader) -> list[Candidate]:
    if not (candidates := loader.candidates()):
        raise _unavailable(loader.runtime)
    return candidates


def _run_reference(
    engine: Engine, pictures: NDArray[np.float32], at_once: int
) -> tuple[int, Outputs, float]:
    """Return the batch size that the reference can handle, its outputs, and its seconds."""
    while True:
        try:
            return at_once, *time_engine(engine, pictures, at_once)
        except DeviceError:
            raise
        except Exception:  # most likely out of memory; a run would halve the batch too
            if at_once == 1:
                raise
        at_once //= 2


def time_engine(
    engine: Engine, pictures: NDArray[np.float32], at_once: int
) -> tuple[Outputs, float]:
    """Return an engine's outputs and its shortest time in seconds.

    Args:
        at_once: the maximum number of pictures in a batch.
    """
    parts = [pictures[start : start + at_once] for start in range(0, len(pictures), at_once)]
    outputs, best = concatenate_outputs([engine.run(part) for part in parts]), math.inf
    first = time.perf_counter()
    for _ in range(_TIMED_ROUNDS):
        start = time.perf_counter()
        if start > first + _TIMED_SECONDS:
            break
        for part in parts:
            engine.run(part)
        best = min(best, time.perf_counter() - start)
    return outputs, best


def _is_hopeless(engine: Engine, pictures: NDArray[np.float32], seconds: float) -> bool:
    """Whether an engine takes longer than ``seconds`` for a few pictures."""
    best = math.inf
    for _ in range(1 + _TIMED_ROUNDS):  # the first round may compile
        start = time.perf_counter()
        engine.run(pictures)
        best = min(best, time.perf_counter() - start)
    return best > seconds


def _unavailable(runtime: Runtime) -> RecipeError:
    engine, precision = runtime.engine, runtime.precision
    hint = "Write `engine: auto` and `precision: auto`."
    if precision.startswith(INT8):
        needed = install_command("openvino")
        hint = f"int8 needs `device: cpu`, `engine: auto` and OpenVINO ({needed})."
    elif engine != "auto" and installed(engine) is None:
        return RecipeError(
            f"run.engine is {engine}, and the packages that it needs are not installed",
            where="run.engine",
            hint=f"{install_command(engine)}, or write `engine: auto`.",
        )
    return RecipeError(
        f"no engine computes in {precision} on {runtime.device} (engine: {engine})",
        where=_requested_key(runtime),
        hint=hint,
    )


def _requested_key(runtime: Runtime) -> str:
    """Return the recipe's key that restricts the choice most."""
    return "run.engine" if runtime.precision == "auto" else "run.precision"
