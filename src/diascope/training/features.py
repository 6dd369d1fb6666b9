"""Features of every region of every item from a frozen backbone, computed once and kept on disk."""

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from diascope.card import ModelCard
from diascope.errors import TableError, reason_of
from diascope.evaluation.labelled_scores import Floats
from diascope.fingerprints import file_stamp
from diascope.network import state_digest
from diascope.network_input import to_network_input
from diascope.preparation import Part, Preparation, file_digests
from diascope.sample import Failed, Item, Skipped
from diascope.table import Example
from diascope.training.dataset import normalisation

_Part = tuple[int, Tensor | str | None]
"""Index of an item, with regions ``(n, H, W, C)`` in [0, 1], an error message, or None at its
end."""


@dataclass(frozen=True)
class Features:
    """The features of items' regions, one ``(n, F)`` float16 file for each item.

    Attributes:
        paths: from items to feature files, named by the state of the items before they were read.
    """

    paths: Mapping[Path, Path]

    def load(self, example: Example) -> NDArray[np.float16]:
        """Return the features ``(n, F)`` of an item, memory-mapped."""
        features: NDArray[np.float16] = np.load(self.paths[example.path], mmap_mode="r")
        return features

    def draw(self, examples: Sequence[Example], count: int, seed: int) -> Floats:
        """Return features ``(N, F)`` of about ``count`` regions, drawn evenly from all items."""
        random = np.random.default_rng(seed)
        each = -(-count // max(1, len(examples)))
        rows = [draw_regions(self.load(example), each, random) for example in examples]
        return np.concatenate(rows).astype(np.float64)


def draw_regions(
    features: NDArray[np.float16], count: int, random: np.random.Generator
) -> NDArray[np.float16]:
    """Return ``count`` random rows of ``(n, F)`` in their order, or all if there are fewer."""
    if len(features) <= count:
        return np.asarray(features)
    return features[np.sort(random.choice(len(features), count, replace=False))]


@dataclass(frozen=True)
class Extraction:
    """Computes the features of items and writes a file for each.

    An interruption costs only the items in progress.

    Attributes:
        read: the recipe's ``read``.
        preparation: its blocks are the network's batches.
        card: for size, channels and normalisation.
        backbone: with its weights; it is moved to ``device``.
        workers: number of reading processes; 0 reads in this one.
    """

    read: Any
    preparation: Preparation
    card: ModelCard
    backbone: nn.Module
    device: torch.device
    workers: int

    def run(
        self, examples: Sequence[Example], folder: Path, tell: Callable[[str], None]
    ) -> Features:
        """Compute the features that are missing, and return where all of them are.

        Raises:
            TableError: for an item that cannot be read to its end, or whose features are not
                finite in half precision.
        """
        digest = self._digest()
        features = Features({each.path: folder / _file_name(each, digest) for each in examples})
        folder.mkdir(exist_ok=True)
        missing = [each for each in examples if not features.paths[each.path].exists()]
        if missing:
            tell(f"Features of {len(missing)} of {len(examples)} items are computed once")
        backbone = self.backbone.to(self.device).eval()
        backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        rows: dict[int, list[NDArray[np.float16]]] = defaultdict(list)
        reading = _RegionDataset(missing, self.preparation, self.card)
        for place, part in DataLoader(reading, batch_size=None, num_workers=self.workers):
            if isinstance(part, Tensor):
                rows[place].append(self._features(part))
                if not np.isfinite(rows[place][-1]).all():
                    part = "the backbone's features of some of it are not finite numbers"
            if isinstance(part, str):
                where = str(missing[place].path)
                raise TableError(f"cannot be used: {part}", where=where)
            if part is None:
                _save_features(np.concatenate(rows.pop(place)), features.paths[missing[place].path])
        return features

    def _features(self, regions: Tensor) -> NDArray[np.float16]:
        mean, std = normalisation(self.card, self.device)
        batch = (regions.to(self.device).movedim(3, 1) - mean) / std
        with torch.inference_mode():
            cells = self.backbone(batch.contiguous(memory_format=torch.channels_last))
        pooled: NDArray[np.float16] = cells.float().mean((2, 3)).half().cpu().numpy()
        return pooled

    def _digest(self) -> str:
        preparation, card = self.preparation, self.card
        parts: list[Part[Any]] = [*preparation.readers, *preparation.steps]
        plugins = [(*astuple(part.plugin), *file_digests([part])) for part in parts]
        facts = [self.read, card.preprocess, plugins, preparation.block]
        facts += [card.size, card.mean, card.std, state_digest(self.backbone)]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()


class _RegionDataset(IterableDataset[_Part]):
    """The preprocessed regions of items, block by block, distributed over worker processes."""

    def __init__(
        self, examples: Sequence[Example], preparation: Preparation, card: ModelCard
    ) -> None:
        self.examples, self.preparation, self.card = examples, preparation, card

    def __iter__(self) -> Iterator[_Part]:
        worker: Any = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for place in range(first, len(self.examples), step):
            for part in self._parts(self.examples[place]):
                yield place, part

    def _parts(self, example: Example) -> Iterator[Tensor | str | None]:
        """Yield an item's blocks, then None; or an error message.

        The error is yielded, not raised, since an exception raised in a worker process reaches the
        main process in another form.
        """
        for block in self.preparation.prepare_all(Item(example.name, str(example.path))):
            if isinstance(block, Failed | Skipped):
                yield block.reason
                return
            try:
                units = [
                    to_network_input(each, self.card.size, self.card.channels) for each in block
                ]
            except ValueError as error:
                yield reason_of(error)
                return
            yield torch.from_numpy(np.stack(units))
        yield None


def _file_name(example: Example, digest: str) -> str:
    """Return the name of an item's feature file, which changes when the item does.

    Args:
        digest: of all that determines the features except the items themselves.
    """
    key = json.dumps([str(example.path.absolute()), file_stamp(example.path), digest])
    return f"{hashlib.sha256(key.encode()).hexdigest()}.npy"


def _save_features(features: NDArray[np.float16], path: Path) -> None:
    """Write the file atomically."""
    part, written = path.with_suffix(".part"), io.BytesIO()
    np.save(written, features)
    part.write_bytes(written.getbuffer())  # np.save to a file does not report a full disk
    part.replace(path)
