"""Find identical and nearly identical pictures by their perceptual hash.

The hash records which of a picture's 16 x 16 lowest frequencies lie above their median (Zauner
2010, "Implementation and Benchmarking of Perceptual Image Hash Functions"; `imagehash.phash`). It
finds copies that were scaled, compressed, brightened or had noise added, but not copies that were
rotated, mirrored or cropped.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diascope.evaluation.training_overlap import LEARNED_SPLITS
from diascope.sample import Sample
from diascope.table import Example, Split

_SIDE = 16
_MAX_BITS = 32
"""Bits out of 256 in which copies may differ. At this distance the four public data sets of the
tests (22,068 pictures) have two pairs across groups, both of them true copies; at 40 they have
eight more, most of which are not copies."""
_MIN_CORRELATION = 0.9
_FLAT = 2.0
"""Standard deviation in grey levels of 255; pictures below it have no structure to compare."""
_THUMBNAIL = (32, 32)
_PAIRS_AT_ONCE = 4_000_000
_COMPARED_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """The data of a picture that its copies are found by.

    Attributes:
        digest: of its pixels; equal for exact copies.
        bits: ``(256,)``, the perceptual hash.
        thumbnail: ``(1024,)`` grey levels.
    """

    digest: bytes
    bits: NDArray[np.bool_]
    thumbnail: NDArray[np.uint8]


def fingerprint(sample: Sample) -> Fingerprint:
    """Return the fingerprint of a picture; for a region, that of the item's overview."""
    from imagehash import phash

    if sample.overview is not None:
        sample = replace(sample, pixels=sample.overview.picture, range=(0.0, 255.0))
    levels = (sample.unit().mean(axis=2) * 255).clip(0, 255).astype(np.uint8)
    grey = Image.fromarray(levels)
    small = grey.resize(_THUMBNAIL, Image.Resampling.BILINEAR)
    digest = hashlib.sha256(repr(sample.pixels.shape).encode())
    digest.update(np.ascontiguousarray(sample.pixels).tobytes())
    return Fingerprint(digest.digest(), phash(grey, _SIDE).hash.ravel(), np.asarray(small).ravel())


def find_copies(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, ...]]:
    """Return the sets of pictures that are copies of each other, as ascending indices.

    A copy of a copy belongs to the same set.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not fingerprints:
        return []
    first: dict[bytes, int] = {}
    pairs = [(first.setdefault(one.digest, at), at) for at, one in enumerate(fingerprints)]
    distinct = np.array(list(first.values()), np.intp)
    links = np.concatenate([np.array(pairs, np.intp), _near_pairs(fingerprints, distinct)])
    count = len(fingerprints)
    graph = coo_array((np.ones(len(links), np.bool_), (links[:, 0], links[:, 1])), (count, count))
    found: dict[int, list[int]] = {}
    for at, component in enumerate(connected_components(graph, directed=False)[1]):
        found.setdefault(int(component), []).append(at)
    return [tuple(places) for places in found.values() if len(places) > 1]


def count_learned_copies(
    copy_sets: Sequence[Sequence[int]], examples: Sequence[Example], split: Split
) -> int:
    """Return how many pictures of a split are copies of pictures that the model learned from.

    Args:
        copy_sets: sets of copies, as indices into the examples.
        split: ``test`` or ``validation``. For ``test``, validation pictures count as learned from.
    """
    count = 0
    for one in copy_sets:
        splits = [examples[place].split for place in one]
        if any(learned in splits for learned in LEARNED_SPLITS if learned != split):
            count += splits.count(split)
    return count


def _near_pairs(fingerprints: Sequence[Fingerprint], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the pairs ``(M, 2)`` among ``places`` whose hashes and thumbnails are similar."""
    thumbnails = np.array([fingerprints[at].thumbnail for at in places], np.float32)
    kept = thumbnails.std(axis=1) >= _FLAT
    places, thumbnails = places[kept], thumbnails[kept]
    if not len(places):
        return np.empty((0, 2), np.intp)
    normal = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    signs = np.array([fingerprints[at].bits for at in places], np.float32) * 2 - 1
    least = signs.shape[1] - 2 * _MAX_BITS  # each differing bit lowers the product by 2
    found = []
    step = max(1, _PAIRS_AT_ONCE // len(places))
    for start in range(0, len(places), step):
        left, right = np.nonzero(signs[start : start + step] @ signs[start:].T >= least)
        later = right > left
        pairs = np.stack([left[later], right[later]], axis=1) + start
        for at in range(0, len(pairs), _COMPARED_AT_ONCE):  # bounds memory if all are similar
            part = pairs[at : at + _COMPARED_AT_ONCE]
            likeness = np.einsum("ij,ij->i", *(normal[side] for side in part.T))
            found.append(places[part[likeness >= _MIN_CORRELATION]])
    return np.concatenate(found) if found else np.empty((0, 2), np.intp)
