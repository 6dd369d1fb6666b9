"""The actors of a run: each has a few pieces waiting, and is replaced when it dies."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from diascope.errors import DeviceError, DiascopeError, reason_of
from diascope_ray.cluster import knock
from diascope_ray.pieces import TRIES, Piece
from diascope_ray.worker import Answer, Worker

_AWAY_SECONDS = 20
"""For which a cluster may be away before it is gone; Ray itself gives up after a minute."""
_LOOK_SECONDS = 10.0
"""Between looks at whether the actors' processes run."""
_DEAF_SECONDS = 60.0
"""For which a process that runs may not answer, beyond ``time_limit_s``: some libraries hold
Python's lock for long, such as while the model is loaded."""
_PULSE = "pulse"


@dataclass(frozen=True)
class Terms:
    """What an actor takes and gets.

    Attributes:
        work: the Work, pickled.
        versions: of diascope and its plugins that a node must have.
        cpus: cores of an actor, and threads of its network.
        gpus: that an actor takes; parts of one are allowed.
        in_flight: pieces that an actor has at a time, the one at work included.
        wait_s: for how long no actor may be there before that is an error.
        time_limit_s: for how long nothing new of an item may come; 0 for any time.
    """

    work: bytes
    versions: Mapping[str, str]
    cpus: int
    gpus: float
    in_flight: int
    wait_s: float
    time_limit_s: float


class Outcome(NamedTuple):
    """What became of a piece: answered, deadly, or neither: then it is to be done again."""

    piece: Piece
    answer: Answer | None = None
    cause: str = ""


@dataclass(eq=False)
class _Actor:
    handle: Any
    starting: Any
    pieces: deque[tuple[Any, Piece]] = field(default_factory=deque)
    pulse: Any = None
    silent_s: float = 0.0

    @property
    def awaited(self) -> Any:
        """What it ends first; None if it is idle."""
        if self.starting is not None:
            return self.starting
        return self.pieces[0][0] if self.pieces else None


class Pool:
    """Actors on a cluster.

    Args:
        ray: the module, connected.
        size: how many actors; those that find no room wait for it.
    """

    def __init__(self, ray: Any, terms: Terms, size: int) -> None:
        self._ray, self._terms = ray, terms
        self._work = ray.put(terms.work)
        self._class = ray.remote(concurrency_groups={_PULSE: 1})(Worker).options(
            num_cpus=terms.cpus, num_gpus=terms.gpus, scheduling_strategy="SPREAD"
        )
        self._still_born = 0
        self._alone_since = self._looked = time.monotonic()
        self._actors = [self._started() for _ in range(size)]

    @property
    def busy(self) -> bool:
        """Whether any piece is in flight."""
        return any(actor.pieces for actor in self._actors)

    @property
    def room(self) -> bool:
        """Whether an actor could take another piece."""
        return any(self._free(actor) for actor in self._actors)

    def submit(self, piece: Piece) -> None:
        """Give a piece to the actor that has the fewest."""
        actor = min(filter(self._free, self._actors), key=lambda actor: len(actor.pieces))
        reference = actor.handle.finish.remote(piece.items, dict(piece.lost))
        actor.pieces.append((reference, piece))

    def wait(self) -> list[Outcome]:
        """Wait until something happens; return what became of pieces.

        Raises:
            DiascopeError: if no actor can start, or what the work raised, such as a WeightsError.
        """
        awaited = {actor.awaited: actor for actor in self._actors if actor.awaited is not None}
        ready, _ = self._ray.wait(list(awaited), num_returns=1, timeout=self._patience())
        if (hung := self._hung()) is not None:
            return self._replaced(hung, "its process or its machine stood still (time_limit_s)")
        if not ready:
            return []
        actor = awaited[ready[0]]
        try:
            answer = self._ray.get(ready[0])
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, DeviceError):  # of that process, not of the others
                return self._replaced(actor, str(error.cause))
            raise _raised(error) from error
        except self._ray.exceptions.RayError as error:  # the process, its node or its memory
            return self._replaced(actor, _cause(error))
        if actor.starting is not None:
            actor.starting, self._still_born = None, 0
            return []
        return [Outcome(actor.pieces.popleft()[1], answer)]

    def stop(self) -> None:
        """End all actors at once."""
        for actor in self._actors:
            self._ray.kill(actor.handle)

    def _free(self, actor: _Actor) -> bool:
        return actor.starting is None and len(actor.pieces) < self._terms.in_flight

    def _started(self) -> _Actor:
        handle = self._class.remote()
        terms = self._terms
        begun = handle.begin.remote(
            self._work, terms.cpus, terms.gpus, terms.time_limit_s, terms.versions
        )
        return _Actor(handle, begun)

    def _replaced(self, actor: _Actor, cause: str) -> list[Outcome]:
        """Put another in the place of a dead actor; only the piece at work is under suspicion."""
        if actor.starting is not None:
            self._still_born += 1
            if self._still_born == TRIES * len(self._actors):  # a lost node takes many at once
                raise DiascopeError(
                    f"the processes on the cluster die while they start: {cause}",
                    hint="Is diascope-ray installed there? Is there memory for it?",
                )
        else:
            self._alone_since = time.monotonic()
        self._check_cluster()
        self._ray.kill(actor.handle)
        self._actors.remove(actor)
        self._actors.append(self._started())
        pieces = [piece for _, piece in actor.pieces]
        return [Outcome(piece, cause="" if index else cause) for index, piece in enumerate(pieces)]

    def _check_cluster(self) -> None:
        """Raise an error unless the cluster is there or comes back soon: Ray would end us."""
        address = self._ray.get_runtime_context().gcs_address
        last = time.monotonic() + _AWAY_SECONDS
        while True:
            try:
                knock(address)
            except OSError as error:  # at once, or after seconds of silence
                if time.monotonic() > last:
                    raise DiascopeError(
                        f"the Ray cluster at {address} is gone: {reason_of(error)}",
                        hint="Start it again; the same command goes on.",
                    ) from error
                time.sleep(1)
            else:
                return

    def _hung(self) -> _Actor | None:
        """Return an actor at work whose process has not run for too long, such as a stopped one.

        Its own limit ends one that hangs in an item, but lies in that process.
        """
        passed = time.monotonic() - self._looked
        if not self._terms.time_limit_s or passed < 1:
            return None
        self._looked += passed
        working = [actor for actor in self._actors if actor.pieces]
        asked = [actor.pulse for actor in working if actor.pulse is not None]
        answered = self._ray.wait(asked, num_returns=len(asked), timeout=0)[0] if asked else []
        for actor in working:
            if actor.pulse is None or actor.pulse in answered:
                actor.pulse = actor.handle.pulse.options(concurrency_group=_PULSE).remote()
                actor.silent_s = 0.0
            else:  # a time for which this process was paused counts as a look at most
                actor.silent_s += min(passed, _LOOK_SECONDS)
        limit = self._terms.time_limit_s + _DEAF_SECONDS
        return next((actor for actor in working if actor.silent_s > limit), None)

    def _patience(self) -> float:
        """Return for how many seconds to wait.

        Raises:
            DiascopeError: if there was none for too long.
        """
        now = time.monotonic()
        if any(actor.starting is None for actor in self._actors):
            self._alone_since = now
            return _LOOK_SECONDS
        left = self._alone_since + self._terms.wait_s - now
        if left > 0:
            return min(left, _LOOK_SECONDS)
        raise DiascopeError(
            f"in {self._terms.wait_s:g} seconds no process could start on the cluster: each needs "
            f"{self._terms.cpus} cores and {self._terms.gpus:g} GPUs, free are "
            f"{self._ray.available_resources()}",
            hint="Lower cpus_per_actor or gpus_per_actor, start nodes, or raise wait_s.",
        )


def _raised(error: Any) -> Exception:
    """Return what was raised on a node."""
    cause: Exception = error.cause
    if isinstance(cause, DiascopeError):
        return cause
    return DiascopeError(
        f"a process on the cluster could not do its work: {reason_of(cause)}",
        hint="The traceback is in Ray's logs. `--set run.executor=local` runs it here.",
    )


def _cause(error: Exception) -> str:
    """Return in plain words why a process is gone."""
    text = str(error)
    if "running low on memory" in text or "OutOfMemory" in type(error).__name__:
        return "its machine ran low on memory"
    if "unavailable" in text or "its node has died" in text:
        return "its machine was lost"
    first = " ".join(text.split("Worker exit detail:")[-1].split(". Some common")[0].split())
    return f"memory or its time (time_limit_s) ran out, or a decoder crashed ({first[:200]})"
