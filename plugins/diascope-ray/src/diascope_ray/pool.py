"""A pool of actors: each has a few pieces waiting, and is replaced when it dies."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from diascope.errors import DeviceError, DiascopeError, reason_of
from diascope_ray.cluster import check_listening
from diascope_ray.pieces import TRIES, Piece
from diascope_ray.worker import Answer, Worker

_MOST_ABSENCE_S = 20
"""How long a cluster may be unreachable before the run stops; Ray gives up after a minute."""
_CHECK_INTERVAL_S = 10.0
"""How often to check that the actors' processes run."""
_PULSE_GRACE_S = 60.0
"""How long beyond ``time_limit_s`` a running process may not answer: some libraries hold Python's
lock for a long time, such as while they load the model."""
_PULSE = "pulse"


@dataclass(frozen=True)
class ActorOptions:
    """What an actor needs, and what it is given.

    Attributes:
        work: the pickled Work.
        versions: versions of diascope and its plugins that a node must have.
        cpus: cores of an actor, and threads of its network.
        gpus: GPUs of an actor; fractions are allowed.
        in_flight: pieces that an actor has at a time, including the one being processed.
        wait_s: how long there may be no actor before that is an error.
        time_limit_s: how long an item may make no progress; 0 for no limit.
    """

    work: bytes
    versions: Mapping[str, str]
    cpus: int
    gpus: float
    in_flight: int
    wait_s: float
    time_limit_s: float


class Outcome(NamedTuple):
    """The outcome of a piece: an answer, a cause of death, or neither: then it is repeated."""

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
    def current_call(self) -> Any:
        """The reference of its current call; None if it is idle."""
        if self.starting is not None:
            return self.starting
        return self.pieces[0][0] if self.pieces else None


class Pool:
    """Actors on a cluster.

    Args:
        ray: the module, connected to a cluster.
        size: number of actors; those that do not fit on the cluster wait.
    """

    def __init__(self, ray: Any, options: ActorOptions, size: int) -> None:
        self._ray, self._options = ray, options
        self._work = ray.put(options.work)
        self._class = ray.remote(concurrency_groups={_PULSE: 1})(Worker).options(
            num_cpus=options.cpus, num_gpus=options.gpus, scheduling_strategy="SPREAD"
        )
        self._failed_starts = 0
        self._no_actor_since = self._checked = time.monotonic()
        self._actors = [self._start_actor() for _ in range(size)]

    @property
    def busy(self) -> bool:
        """Whether any actor has a piece."""
        return any(actor.pieces for actor in self._actors)

    @property
    def room(self) -> bool:
        """Whether an actor could take another piece."""
        return any(self._free(actor) for actor in self._actors)

    def submit(self, piece: Piece) -> None:
        """Send a piece to the actor that has the fewest."""
        actor = min(filter(self._free, self._actors), key=lambda actor: len(actor.pieces))
        reference = actor.handle.finish.remote(piece.items, dict(piece.lost))
        actor.pieces.append((reference, piece))

    def wait(self) -> list[Outcome]:
        """Wait until something happens; return the outcomes of pieces.

        Raises:
            DiascopeError: if no actor can start, or if the work raised one, such as a WeightsError.
        """
        calls = {call: actor for actor in self._actors if (call := actor.current_call) is not None}
        ready, _ = self._ray.wait(list(calls), num_returns=1, timeout=self._wait_seconds())
        if (hung := self._find_hung()) is not None:
            return self._replace(hung, "its process or its machine stood still (time_limit_s)")
        if not ready:
            return []
        actor = calls[ready[0]]
        try:
            answer = self._ray.get(ready[0])
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, DeviceError):  # other processes may work
                return self._replace(actor, str(error.cause))
            raise _remote_error(error) from error
        except self._ray.exceptions.RayError as error:  # its process or its node died
            return self._replace(actor, _describe_death(error))
        if actor.starting is not None:
            actor.starting, self._failed_starts = None, 0
            return []
        return [Outcome(actor.pieces.popleft()[1], answer)]

    def stop(self) -> None:
        """End all actors at once."""
        for actor in self._actors:
            self._ray.kill(actor.handle)

    def _free(self, actor: _Actor) -> bool:
        return actor.starting is None and len(actor.pieces) < self._options.in_flight

    def _start_actor(self) -> _Actor:
        handle = self._class.remote()
        options = self._options
        starting = handle.begin.remote(
            self._work, options.cpus, options.gpus, options.time_limit_s, options.versions
        )
        return _Actor(handle, starting)

    def _replace(self, actor: _Actor, cause: str) -> list[Outcome]:
        """Replace a dead actor; return its pieces, of which only the current one is suspect."""
        if actor.starting is not None:
            self._failed_starts += 1
            if self._failed_starts == TRIES * len(self._actors):  # a lost node ends many at once
                raise DiascopeError(
                    f"the processes on the cluster die while they start: {cause}",
                    hint="Is diascope-ray installed there? Is there memory for it?",
                )
        else:
            self._no_actor_since = time.monotonic()
        self._check_cluster()
        self._ray.kill(actor.handle)
        self._actors.remove(actor)
        self._actors.append(self._start_actor())
        pieces = [piece for _, piece in actor.pieces]
        return [Outcome(piece, cause="" if index else cause) for index, piece in enumerate(pieces)]

    def _check_cluster(self) -> None:
        """Wait for the cluster if it is unreachable: Ray would end this process.

        Raises:
            DiascopeError: if it does not come back in time.
        """
        address = self._ray.get_runtime_context().gcs_address
        last = time.monotonic() + _MOST_ABSENCE_S
        while True:
            try:
                check_listening(address)
            except OSError as error:  # refused at once, or timed out after seconds
                if time.monotonic() > last:
                    raise DiascopeError(
                        f"the Ray cluster at {address} is gone: {reason_of(error)}",
                        hint="Start it again; the same command resumes the run.",
                    ) from error
                time.sleep(1)
            else:
                return

    def _find_hung(self) -> _Actor | None:
        """Return a working actor whose process has not answered for too long, if any.

        A process that hangs in an item ends itself, but one that is stopped, or whose machine is,
        cannot.
        """
        passed = time.monotonic() - self._checked
        if not self._options.time_limit_s or passed < 1:
            return None
        self._checked += passed
        working = [actor for actor in self._actors if actor.pieces]
        asked = [actor.pulse for actor in working if actor.pulse is not None]
        answered = self._ray.wait(asked, num_returns=len(asked), timeout=0)[0] if asked else []
        for actor in working:
            if actor.pulse is None or actor.pulse in answered:
                actor.pulse = actor.handle.pulse.options(concurrency_group=_PULSE).remote()
                actor.silent_s = 0.0
            else:  # if this process was paused, that counts as one interval at most
                actor.silent_s += min(passed, _CHECK_INTERVAL_S)
        limit = self._options.time_limit_s + _PULSE_GRACE_S
        return next((actor for actor in working if actor.silent_s > limit), None)

    def _wait_seconds(self) -> float:
        """Return how many seconds to wait.

        Raises:
            DiascopeError: if there was no actor for too long.
        """
        now = time.monotonic()
        if any(actor.starting is None for actor in self._actors):
            self._no_actor_since = now
            return _CHECK_INTERVAL_S
        left = self._no_actor_since + self._options.wait_s - now
        if left > 0:
            return min(left, _CHECK_INTERVAL_S)
        raise DiascopeError(
            f"no process could start on the cluster within {self._options.wait_s:g} seconds: each "
            f"needs {self._options.cpus} cores and {self._options.gpus:g} GPUs; free are "
            f"{self._ray.available_resources()}",
            hint="Lower cpus_per_actor or gpus_per_actor, start nodes, or raise wait_s.",
        )


def _remote_error(error: Any) -> Exception:
    """Return the error that a node raised, as a DiascopeError."""
    cause: Exception = error.cause
    if isinstance(cause, DiascopeError):
        return cause
    return DiascopeError(
        f"a process on the cluster could not do its work: {reason_of(cause)}",
        hint="The traceback is in Ray's logs. `--set run.executor=local` runs it here.",
    )


def _describe_death(error: Exception) -> str:
    """Return in plain words why a process died."""
    text = str(error)
    if "running low on memory" in text or "OutOfMemory" in type(error).__name__:
        return "its machine ran low on memory"
    if "unavailable" in text or "its node has died" in text:
        return "its machine was lost"
    first = " ".join(text.split("Worker exit detail:")[-1].split(". Some common")[0].split())
    return f"memory or its time (time_limit_s) ran out, or a decoder crashed ({first[:200]})"
