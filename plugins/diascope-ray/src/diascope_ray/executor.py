"""The executor ``ray``: many machines read, preprocess and classify; this one keeps the ledger."""

import pickle
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, ClassVar, Literal

from diascope.contracts import Work
from diascope.cores import network_threads
from diascope.display_text import mask_credentials
from diascope.errors import DiascopeError, PluginError, reason_of
from diascope.sample import Failed, Item, Record
from diascope_ray.cluster import joined, room
from diascope_ray.environment import installed
from diascope_ray.pieces import Chunk, Piece
from diascope_ray.pool import Outcome, Pool, Terms
from diascope_ray.worker import Answer, readable

_STORED = "Nodes need the packages for it, and the credentials, in the environment of `ray start`."
_SHARED = (
    "Put the pictures on a folder that all nodes share under the same path and that the user of "
    "`ray start` may read, or on an object store (s3://...)."
)


@dataclass(frozen=True)
class RayExecutor:
    """Carries a run out on a Ray cluster, in actors that load the model once.

    ``run.workers`` means nothing here: an actor does all of a chunk itself, and what overlaps are
    the actors.

    Attributes:
        address: ``local`` starts a cluster on this machine for the time of the run, ``auto`` joins
            the one that runs here, ``host:port`` one elsewhere.
        actors: processes that classify; ``auto`` takes as many as the cluster has room for.
        cpus_per_actor: cores of each, and threads of its network; ``auto`` takes as many threads
            as the network would have on this machine, which gives the same bits.
        gpus_per_actor: graphics processors of each; 0.25 lets four share one.
        in_flight: chunks that an actor has at a time, the one at work included. More hide the
            network's delay; 1 suits chunks that take minutes.
        wait_s: for how many seconds no actor may be there before the run stops.
        time_limit_s: seconds without anything new of an item after which its actor ends, as if the
            item had killed it; 0 for no limit.
    """

    address: str = "local"
    actors: int | Literal["auto"] = "auto"
    cpus_per_actor: int | Literal["auto"] = "auto"
    gpus_per_actor: float = 0.0
    in_flight: int = 2
    wait_s: float = 600.0
    time_limit_s: float = 1800.0
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if self.address not in ("local", "auto") and not _is_host(self.address):
            raise ValueError(f"address must be local, auto or host:port, got {self.address!r}")
        for name in ("actors", "cpus_per_actor", "in_flight"):
            if (value := getattr(self, name)) != "auto" and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("gpus_per_actor", "wait_s", "time_limit_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")

    def run(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        cpus = _threads() if self.cpus_per_actor == "auto" else self.cpus_per_actor
        terms = Terms(
            work=_pickled(work),
            versions=installed(),
            cpus=cpus,
            gpus=self.gpus_per_actor,
            in_flight=self.in_flight,
            wait_s=self.wait_s,
            time_limit_s=self.time_limit_s,
        )
        with joined(self.address) as ray:
            size = self._size(ray, cpus)
            first = list(islice(chunks := iter(chunks), size))
            pool = Pool(ray, terms, min(size, len(first)))
            try:
                yield from _carried_out(pool, chain(first, chunks))
            finally:
                pool.stop()

    def _size(self, ray: Any, cpus: int) -> int:
        if self.actors != "auto":
            return self.actors
        size = room(ray, cpus, self.gpus_per_actor)
        if not size:
            raise DiascopeError(
                f"no node of the cluster has {cpus} cores and {self.gpus_per_actor:g} GPUs, which "
                "an actor needs",
                hint="Lower cpus_per_actor or gpus_per_actor; or set `actors` and start nodes.",
            )
        return size


def _carried_out(
    pool: Pool, chunks: Iterator[Sequence[Item]]
) -> Generator[Sequence[Record], None, None]:
    """Yield the records of each chunk as soon as they are there."""
    again: deque[Piece] = deque()
    pieces = _first_of(again, (Chunk(tuple(chunk)).start() for chunk in chunks))
    piece = next(pieces)
    while piece is not None or pool.busy:
        while piece is not None and pool.room:
            pool.submit(piece)
            piece = next(pieces)
        for outcome in pool.wait():
            again.extend(_following(outcome))
            if (records := outcome.piece.chunk.records) is not None:
                yield records
        piece = piece or next(pieces)


def _first_of(again: deque[Piece], others: Iterator[Piece]) -> Iterator[Piece | None]:
    """Yield what is to be done again before all others; None whenever there is nothing."""
    while True:
        yield again.popleft() if again else next(others, None)


def _following(outcome: Outcome) -> list[Piece]:
    """Return what is to be done because of what became of a piece."""
    piece, answer, cause = outcome
    if answer is not None:
        _check_reachable(answer)
        return piece.chunk.answered(piece, answer.records)
    return piece.chunk.died(piece, cause) if cause else [piece]


def _check_reachable(answer: Answer) -> None:
    """A node that does not see what this machine sees would fail all items.

    Raises:
        DiascopeError: if a file is here and not there, or an address can be read only here.
    """
    for uri in answer.absent:
        if readable(Item(uri, uri)):
            failed = (record for record in answer.records if isinstance(record, Failed))
            reason = next(record.reason for record in failed if record.item.uri == uri)
            raise DiascopeError(
                f"{mask_credentials(uri)} can be read on this machine, but not on the node "
                f"{answer.node}: {reason}",
                hint=_STORED if "://" in uri else _SHARED,
            )


def _pickled(work: Work) -> bytes:
    try:
        return pickle.dumps(work)
    except Exception as error:  # a stranger's plugin may raise anything
        raise PluginError(
            f"a plugin of this recipe cannot travel to other machines: {reason_of(error)}",
            hint="`--set run.executor=local` needs none.",
        ) from error


def _threads() -> int:
    """Return the threads of a network on this machine: PyTorch's, if it is loaded, or the cores."""
    if torch := sys.modules.get("torch"):
        return int(torch.get_num_threads())
    return network_threads()


def _is_host(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and "/" not in host and port.isdigit()
