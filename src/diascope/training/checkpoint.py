"""Checkpoints, written after every epoch, so that an interruption costs at most one epoch."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from diascope.card import CARD_FILE, CHECKPOINT_FILE, read_card
from diascope.display_text import format_some
from diascope.errors import WeightsError, reason_of


def save_checkpoint(directory: Path, state: dict[str, Any]) -> None:
    """Write the state atomically."""
    part = directory / f"{CHECKPOINT_FILE}.part"
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(directory / CHECKPOINT_FILE)


def load_checkpoint(
    directory: Path,
    digest: str,
    parts: Mapping[str, str],
    contents: Mapping[str, str] | None = None,
) -> dict[str, Any] | None:
    """Return the state saved by an earlier run of the same training, or None.

    Args:
        digest: of recipe, table and splits.
        parts: what goes into the digest, by name, so that an error names what differs.
        contents: the rows' names to digests of their pictures; None if they are not known yet.

    Raises:
        WeightsError: if the folder holds a different training (even if only its card is left), or a
            file of that name that is not a checkpoint.
    """
    path = directory / CHECKPOINT_FILE
    if not path.is_file():
        known = directory / CARD_FILE
        if known.is_file() and read_card(directory).made.get("recipe_digest") != digest:
            raise _other_training_error(known)
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found, before = state["digest"], state["parts"]
    except MemoryError:
        raise
    except OSError as error:
        raise WeightsError(f"cannot be read: {reason_of(error)}", where=str(path)) from error
    except Exception as error:  # a damaged pickle raises almost anything
        raise WeightsError(
            "is damaged, or not a checkpoint of `pipeline train`",
            where=str(path),
            hint="If you remove it, the same command starts over; or choose another --output.",
        ) from error
    if found != digest:
        raise _other_training_error(path, ", ".join(_differing(before, parts)))
    if contents is not None and (changed := _differing(state.get("contents", contents), contents)):
        raise WeightsError(
            f"was trained with other pictures: {len(changed)} of {len(contents)} have changed "
            f"since, {format_some(changed)}",
            where=str(path),
            hint="Restore them; or choose another --output, or remove the folder, to train with "
            "the new ones. `pipeline evaluate` measures the weights on other pictures.",
        )
    return state


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names whose values differ."""
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def _other_training_error(path: Path, differing: str = "") -> WeightsError:
    return WeightsError(
        f"holds another training, which differs in {differing}"
        if differing
        else "holds a training of another recipe or table, or a fold of another number of `folds`",
        where=str(path),
        hint="Choose another --output, or remove the folder.",
    )


def version_changes(before: Mapping[str, str], then: Mapping[str, str]) -> str:
    """Return which versions differ, such as ``torch 2.6, then 2.7``, or an empty text."""
    return "; ".join(
        f"{name} {before.get(name, 'none')}, then {then.get(name, 'none')}"
        for name in sorted(before.keys() | then.keys())
        if before.get(name) != then.get(name)
    )
