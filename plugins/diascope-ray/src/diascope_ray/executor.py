"""The executor ``ray``: actors on many machines process items; this machine keeps the ledger."""

import pickle
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from diascope.contracts import Work
from diascope.cores import network_threads
from diascope.display_text import mask_credentials
from diascope.errors import DiascopeError, PluginError, reason_of
from diascope.sample import Failed, Item, Record
from diascope_ray.cluster import connect_cluster, count_fitting_actors
from diascope_ray.environment import installed_versions
from diascope_ray.pieces import Chunk, Piece
from diascope_ray.pool import ActorOptions, Outcome, Pool
from diascope_ray.worker import Answer, is_readable

_REMOTE_HINT = (
    "Nodes need the packages for it, and the credentials, in the environment of `ray start`."
)
_LOCAL_HINT = (
    "Put the pictures on a folder that all nodes share under the same path and that the user of "
    "`ray start` may read, or on an object store (s3://...)."
)


@dataclass(frozen=True)
class RayExecutor:
    """Runs on a Ray cluster, in actors that load the model once each.

    ``run.workers`` has no effect here: an actor reads, preprocesses and classifies its chunks, and
    the actors run in parallel.

    Attributes:
        address: ``local`` starts a cluster on this machine for the duration of the run, ``auto``
            joins the one that runs here, ``host:port`` one elsewhere.
        actors: number of actors, each a process; ``auto``: as many as fit on the cluster.
        cpus_per_actor: cores per actor, and threads of its network; ``auto``: as many threads as
            the network would have on this machine, which gives the same bits.
        gpus_per_actor: GPUs per actor; with 0.25, four actors share one.
        in_flight: chunks that an actor has at a time, including the one being processed. More hide
            the latency between machines; 1 suits chunks that take minutes.
        wait_s: seconds without any actor after which the run stops.
        time_limit_s: if an item makes no progress for this many seconds, its actor ends, as if the
            item had killed it; 0 for no limit.
    """

    address: str = "local"
    actors: Annotated[int, Ge(1)] | Literal["auto"] = "auto"
    cpus_per_actor: Annotated[int, Ge(1)] | Literal["auto"] = "auto"
    gpus_per_actor: Annotated[float, Ge(0)] = 0.0
    in_flight: Annotated[int, Ge(1)] = 2
    wait_s: Annotated[float, Ge(0)] = 600.0
    time_limit_s: Annotated[float, Ge(0)] = 1800.0
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if self.address not in ("local", "auto") and not _is_host_and_port(self.address):
            raise ValueError(f"address must be local, auto or host:port, got {self.address!r}")

    def run(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        cpus = _default_threads() if self.cpus_per_actor == "auto" else self.cpus_per_actor
        actor_options = ActorOptions(
            work=_pickle_work(work),
            versions=installed_versions(),
            cpus=cpus,
            gpus=self.gpus_per_actor,
            in_flight=self.in_flight,
            wait_s=self.wait_s,
            time_limit_s=self.time_limit_s,
        )
        with connect_cluster(self.address) as ray:
            size = self._size(ray, cpus)
            first = list(islice(chunks := iter(chunks), size))
            pool = Pool(ray, actor_options, min(size, len(first)))
            try:
                yield from _execute(pool, chain(first, chunks))
            finally:
                pool.stop()

    def _size(self, ray: Any, cpus: int) -> int:
        if self.actors != "auto":
            return self.actors
        size = count_fitting_actors(ray, cpus, self.gpus_per_actor)
        if not size:
            raise DiascopeError(
                f"no node of the cluster has {cpus} cores and {self.gpus_per_actor:g} GPUs, which "
                "an actor needs",
                hint="Lower cpus_per_actor or gpus_per_actor; or set `actors` and start nodes.",
            )
        return size


def _execute(
    pool: Pool, chunks: Iterator[Sequence[Item]]
) -> Generator[Sequence[Record], None, None]:
    """Yield the records of each chunk as soon as they are known."""
    repeated: deque[Piece] = deque()
    pieces = _next_pieces(repeated, (Chunk(tuple(chunk)).start() for chunk in chunks))
    piece = next(pieces)
    while piece is not None or pool.busy:
        while piece is not None and pool.room:
            pool.submit(piece)
            piece = next(pieces)
        for outcome in pool.wait():
            repeated.extend(_pieces_after(outcome))
            if (records := outcome.piece.chunk.records) is not None:
                yield records
        piece = piece or next(pieces)


def _next_pieces(repeated: deque[Piece], others: Iterator[Piece]) -> Iterator[Piece | None]:
    """Yield pieces, those to be repeated first; None whenever there is nothing to do."""
    while True:
        yield repeated.popleft() if repeated else next(others, None)


def _pieces_after(outcome: Outcome) -> list[Piece]:
    """Return the pieces to process after the outcome of a piece."""
    piece, answer, cause = outcome
    if answer is not None:
        _check_reachable(answer)
        return piece.chunk.add_records(piece, answer.records)
    return piece.chunk.note_death(piece, cause) if cause else [piece]


def _check_reachable(answer: Answer) -> None:
    """Check that a node can read what this machine can: else it would fail all items.

    Raises:
        DiascopeError: if a file or address can be read here but not on the node.
    """
    for uri in answer.absent:
        if is_readable(Item(uri, uri)):
            failed = (record for record in answer.records if isinstance(record, Failed))
            reason = next(record.reason for record in failed if record.item.uri == uri)
            raise DiascopeError(
                f"{mask_credentials(uri)} can be read on this machine, but not on the node "
                f"{answer.node}: {reason}",
                hint=_REMOTE_HINT if "://" in uri else _LOCAL_HINT,
            )


def _pickle_work(work: Work) -> bytes:
    try:
        return pickle.dumps(work)
    except Exception as error:  # a third party's plugin may raise anything
        raise PluginError(
            f"a plugin of this recipe cannot be sent to other machines: {reason_of(error)}",
            hint="`--set run.executor=local` needs none.",
        ) from error


def _default_threads() -> int:
    """Return the number of threads of a network on this machine: PyTorch's, if it is imported."""
    if torch := sys.modules.get("torch"):
        return int(torch.get_num_threads())
    return network_threads()


def _is_host_and_port(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and "/" not in host and port.isdigit()
