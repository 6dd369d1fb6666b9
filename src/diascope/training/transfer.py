"""Start a training from the weights of another project."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diascope.card import file_digest
from diascope.display_text import format_some
from diascope.errors import WeightsError
from diascope.training.pixel_scale import range_warnings, scale_warnings
from diascope.training.pretrained import Pairing, pairings, read_tensors, without_shortcut_biases
from diascope.training.start import Start

_MIN_SHARE = 0.95
"""Fraction of the backbone's tensors that a file must hold."""

_BIASES = "shortcuts: their biases are taken off the means of the batch norms behind them"


@dataclass(frozen=True)
class MatchReport:
    """What was loaded into a backbone from a file.

    The tensors counted are parameters and running statistics, not batch norms' counters.

    Attributes:
        digest: SHA-256 of the file.
        matched, total: number of the backbone's tensors that were loaded, and of all.
        missing: names of the backbone that the file lacks; they keep their random values.
        unexpected: names of the file that were not used, such as its classification layer.
        shape_mismatch: names of the backbone whose tensor in the file has another shape.
        changes: descriptions of changes to the first filters and to biases.
        warnings: about weights that were loaded all the same.
    """

    file: str
    digest: str
    matched: int
    total: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shape_mismatch: tuple[str, ...]
    changes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def share(self) -> float:
        """Fraction of the backbone's tensors that were loaded."""
        return self.matched / self.total

    def lines(self) -> list[str]:
        """Return the messages to the user, one per line."""
        summary = f"started from {self.file}: {self.matched} of {self.total} tensors"
        warnings = [f"warning: {warning}" for warning in self.warnings]
        return [summary, *self.changes, *self.differences(), *warnings]

    def differences(self) -> list[str]:
        """Return the names without a counterpart on either side, one kind per line."""
        kinds = {
            "of the backbone, not in the file": self.missing,
            "of the backbone, of another shape in the file": self.shape_mismatch,
            "of the file, left out": self.unexpected,
        }
        return [f"{kind}: {format_some(names)}" for kind, names in kinds.items() if names]

    def plain(self) -> dict[str, Any]:
        """Return the entry for the card, as plain values."""
        return {
            "file": self.file,
            "digest": self.digest,
            "tensors": f"{self.matched} of {self.total}",
            "not_loaded": [*self.missing, *self.shape_mismatch],
            "left_out": len(self.unexpected),
            "changes": list(self.changes),
        }


def start_from(
    backbone: nn.Module,
    start: Start,
    backbone_name: str,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    frozen: bool = False,
) -> MatchReport:
    """Load a file's weights into a backbone, and return what was loaded.

    Names in the layouts of torchvision, TorchXRayVision, MONAI and diascope are understood, with
    any prefix. A first convolution for another number of channels is adapted: grey filters are
    repeated and divided by the number of channels; for grey pictures, filters are summed.

    Args:
        mean, std: the normalisation of pixels in [0, 1] in this training, one number per channel.
        frozen: whether the backbone will stay as loaded, so that all of it must be in the file.

    Raises:
        WeightsError: if the file cannot be read safely, matches less than 95 % of the backbone's
            tensors (or not all, if frozen), has first filters of another size, is of a deeper
            network, matches in two ways, or holds values that are not finite. The backbone is then
            unchanged.
    """
    source = start.source
    digest = file_digest(source)
    ours = {name: each for name, each in backbone.state_dict().items() if each.is_floating_point()}
    loaded = read_tensors(source)
    tensors = without_shortcut_biases(loaded, ours)
    biases = [_BIASES] if len(tensors) < len(loaded) else []
    taken = _rename_keys(tensors, start.keys)
    named = {name: tensors[written] for name, written in taken.items()}
    fits = [_try_pairing(pairing, ours, named) for pairing in pairings(ours, named)]
    best = max(fits, key=lambda fit: len(fit.values), default=_NO_FIT)
    names = best.pairing.names
    warnings = scale_warnings({n: best.values[n] for n in ours if n in best.values}, std)
    used = {taken[name] for name in names.values()}
    matched = MatchReport(
        file=start.file.name,
        digest=digest,
        matched=len(best.values),
        total=len(ours),
        missing=tuple(name for name in ours if name not in names),
        unexpected=tuple(name for name in tensors if name not in used),
        shape_mismatch=tuple(name for name in names if name not in best.values),
        changes=(*best.changes, *biases),
        warnings=(*warnings, *range_warnings(source, mean, std)),
    )
    _check_fit(matched, best, backbone_name, source)
    if frozen:
        _check_complete(matched, backbone_name, source)
    if (first := _first_filter_name(ours)) in matched.shape_mismatch:
        raise WeightsError(
            f"has first filters of {_format_shape(named[names[first]])}, the backbone "
            f"{backbone_name} of {_format_shape(ours[first])}: all others were trained on top of "
            "them",
            where=str(source),
            hint="Only the number of channels can be adapted, from or to grey pictures.",
        )
    if best.pairing.prefix or not start.keys:  # otherwise the recipe's keys have chosen
        _check_unambiguous([fit for fit in fits if len(fit.values) == matched.matched], source)
    backbone.load_state_dict(best.values, strict=False)
    return matched


@dataclass(frozen=True)
class _Fit:
    """A pairing, the tensors that fit by our names, and descriptions of changes to them."""

    pairing: Pairing
    values: dict[str, Tensor]
    changes: tuple[str, ...]


_NO_FIT = _Fit(Pairing("", {}, ()), {}, ())


def _rename_keys(names: Iterable[str], keys: dict[str, str]) -> dict[str, str]:
    """Return a mapping from names renamed by the recipe's ``keys`` to the file's names."""
    if not keys:
        return {name: name for name in names}
    taken: dict[str, str] = {}
    for name in names:
        prefix = max((key for key in keys if name.startswith(key)), key=len, default=None)
        if prefix is None:
            continue
        ours = keys[prefix] + name.removeprefix(prefix)
        if ours in taken:
            raise WeightsError(f"start: keys: {taken[ours]} and {name} would both be {ours}")
        taken[ours] = name
    return taken


def _try_pairing(pairing: Pairing, ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> _Fit:
    first = _first_filter_name(ours)
    values: dict[str, Tensor] = {}
    changes: list[str] = []
    for name, written in pairing.names.items():
        value, target = theirs[written].float(), ours[name]
        if name == first and value.ndim == 4:
            value, changes = _adapt_first_filters(value, target.shape[1])
        if value.shape == target.shape:
            values[name] = value
    return _Fit(pairing, values, tuple(changes) if first in values else ())


def _first_filter_name(ours: dict[str, Tensor]) -> str:
    """Return the name of the first convolution's filters, or an empty one."""
    return next((name for name, tensor in ours.items() if tensor.ndim == 4), "")


def _adapt_first_filters(filters: Tensor, channels: int) -> tuple[Tensor, list[str]]:
    """Return the filters adapted to a number of channels, and descriptions of the changes."""
    theirs = filters.shape[1]
    changes = []
    if theirs == 1 < channels:
        filters = filters.expand(-1, channels, -1, -1) / channels
        changes.append(f"first filters: repeated over {channels} channels, divided by {channels}")
    elif channels == 1 < theirs:
        filters = filters.sum(1, keepdim=True)
        changes.append(f"first filters: summed over {theirs} channels")
    return filters, changes


def _check_fit(matched: MatchReport, best: _Fit, backbone: str, source: Path) -> None:
    """Raise a WeightsError unless the file holds finite weights of the backbone's network."""
    counted = f"{matched.matched} of {matched.total} tensors of the backbone {backbone}"
    if matched.share < _MIN_SHARE:
        advice = "Map other names by `start: {file: ..., keys: {their.prefix.: our.}}`."
        heads = [name for name in matched.unexpected if name.startswith("head.")]
        if heads and len(heads) == len(matched.unexpected) and not best.pairing.names:
            advice = (
                "It holds only a head, as freeze_backbone writes it: leave `start` out, and use "
                "the backbone of that training."
            )
        raise WeightsError(
            f"fits {counted} ({int(matched.share * 100)} %), "
            f"at least {_MIN_SHARE * 100:.0f} % must",
            where=str(source),
            hint="\n  ".join([*matched.differences(), advice]),
        )
    if unmatched := best.pairing.unmatched:
        raise WeightsError(
            f"fits {counted}, but belongs to another network: it has {len(unmatched)} more "
            "in the same parts",
            where=str(source),
            hint=f"Without a counterpart: {format_some(unmatched)}.",
        )
    broken = [name for name, value in best.values.items() if not value.isfinite().all()]
    if broken:
        message = f"holds values that are not finite numbers: {format_some(broken)}"
        raise WeightsError(message, where=str(source))


def _check_complete(matched: MatchReport, backbone: str, source: Path) -> None:
    """Raise a WeightsError unless all of the backbone is in the file."""
    if matched.share < 1:
        raise WeightsError(
            f"fits {matched.matched} of {matched.total} tensors of the backbone {backbone}; "
            "freeze_backbone would keep the others random",
            where=str(source),
            hint="\n  ".join([*matched.differences(), "Leave freeze_backbone out to train them."]),
        )


def _check_unambiguous(fits: Sequence[_Fit], source: Path) -> None:
    """Raise a WeightsError if several parts of the file fit equally well with other values."""
    first, *others = fits
    for other in others:
        same = other.values.keys() == first.values.keys()
        if not same or any(not torch.equal(first.values[k], other.values[k]) for k in first.values):
            prefixes = [first.pairing.prefix, other.pairing.prefix]
            raise WeightsError(
                f"holds the network twice, under {prefixes[0]!r} and {prefixes[1]!r}",
                where=str(source),
                hint=f'Choose one: `keys: {{"{prefixes[0]}": ""}}` or `{{"{prefixes[1]}": ""}}`.',
            )


def _format_shape(filters: Tensor) -> str:
    return " x ".join(map(str, filters.shape))
