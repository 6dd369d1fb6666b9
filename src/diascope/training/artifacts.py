"""The results of a training: the weights file and the card that describes it."""

import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, read_card
from diascope.contracts import Backbone
from diascope.errors import RecipeError
from diascope.evaluation.evaluate import Evaluation
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.update_card import card_metrics
from diascope.fields import check_values
from diascope.network import Network, state_digest
from diascope.parameters import parameters
from diascope.plugins import find_plugin, load_plugin
from diascope.recipe import Recipe, Reference
from diascope.table import Example, Split
from diascope.training.leakage import source_folders
from diascope.training.options import TrainOptions
from diascope.training_mismatch import describe_preparation

_LIBRARIES = ("diascope", "torch", "monai", "lightning-fabric", "numpy", "pillow")


def initial_card(
    recipe: Recipe,
    options: TrainOptions,
    reference: Reference,
    backbone: Backbone,
    names: Sequence[str],
    size: tuple[int, int],
    *,
    head_only: bool,
) -> ModelCard:
    """Return the card as far as it is known before training.

    Args:
        head_only: whether the weights file will hold only the head.

    Raises:
        RecipeError: if the card's fields contradict each other, or ``start`` states its pixels for
            another number of channels.
    """
    texts, mean, std = options.labels, backbone.mean, backbone.std
    if options.start is not None:
        try:
            mean, std = options.start.normalisation(backbone)
        except ValueError as error:
            raise RecipeError(str(error), where=str(recipe.path)) from error
    card = ModelCard(
        name=recipe.name,
        title=options.title,
        task=options.task,
        labels=tuple(
            Label(name, texts[name].title, texts[name].codes) if name in texts else Label(name)
            for name in names
        ),
        size=size,
        backbone=reference.name,
        backbone_parameters=_backbone_parameters(reference, recipe, head_only=head_only),
        head=options.head,
        mean=tuple(map(float, mean)),
        std=tuple(map(float, std)),
        score_kind="softmax" if options.task == "multiclass" else "sigmoid",
        **describe_preparation(recipe),
        test_time=options.test_time,
        licence=options.licence or _inherited_licence(options),
        limits=options.limits,
    )
    if wrong := card.contradiction():
        raise RecipeError(wrong, where=str(recipe.path))
    return card


def describe_sources(options: TrainOptions) -> list[str]:
    """Return name, licence and digest of the weights that training starts from, and of teachers.

    Raises:
        WeightsError: if a card is missing or wrong.
    """
    return [
        f"{card.name} ({card.licence or 'no licence stated'}), {card.digest}"
        for card in _source_cards(options)
    ]


def _inherited_licence(options: TrainOptions) -> str:
    """Return the licences of the weights that are learned from, for a recipe that states none."""
    stated = {f"{card.name}: {card.licence}" for card in _source_cards(options) if card.licence}
    return f"not stated; learned from {'; '.join(sorted(stated))}" if stated else ""


def _source_cards(options: TrainOptions) -> list[ModelCard]:
    return [read_card(folder) for folder in source_folders(options)]


def _backbone_parameters(
    reference: Reference, recipe: Recipe, *, head_only: bool
) -> dict[str, Any]:
    """Return the backbone's parameters for the card.

    Paths are made absolute, since they can no longer be resolved against a recipe. ``weights`` is
    dropped where it is optional, since the weights file contains the backbone's weights.
    """
    loaded = load_plugin(find_plugin("backbone", reference.name))
    given = check_values(loaded, reference.parameters, where=reference.where, base=recipe.base)
    kept = {
        name: _with_absolute_paths(given[name], node.plain())
        for name, node in reference.parameters.items()
    }
    if not head_only and "weights" in kept and not parameters(loaded)["weights"].required:
        del kept["weights"]
    return kept


def _with_absolute_paths(given: Any, written: Any) -> Any:
    """Return a value as written in the recipe, with paths replaced by the resolved ones."""
    if isinstance(given, Path):
        return str(given)
    if isinstance(given, tuple | list) and any(isinstance(each, Path) for each in given):
        return [_with_absolute_paths(each, each) for each in given]
    return written


def round_weights(network: Network, *, head_only: bool, frozen: bool) -> dict[str, Tensor]:
    """Return the tensors to store, by name, and load their rounded values into the network.

    Filters and matrices are stored in half precision, biases and normalisation in single. A tensor
    with several names is stored under each of them.

    Args:
        frozen: whether the backbone was not trained; it then keeps its values, so that only what
            half precision does not change is stored in it.
    """

    def stored(name: str, value: Tensor) -> Tensor:
        exact = frozen and name.startswith("backbone.")
        if value.ndim <= 1 or (exact and not torch.equal(value.half().float(), value)):
            return value.clone()
        return value.half()

    state = {
        name: stored(name, value).contiguous().cpu()
        for name, value in network.state_dict().items()
        if name.startswith("head.") or not head_only
    }
    values = {name: value.float() for name, value in state.items()}
    network.load_state_dict(values, strict=not head_only)
    return state


def save_weights(
    card: ModelCard, network: Network, tensors: Mapping[str, Tensor], directory: Path
) -> ModelCard:
    """Write the weights file, and return the card with its digest and the backbone's."""
    part = directory / f"{WEIGHTS_FILE}.part"
    part.write_bytes(save(dict(tensors)))
    part.replace(directory / WEIGHTS_FILE)
    digest = file_digest(directory / WEIGHTS_FILE)
    return replace(card, digest=digest, backbone_digest=state_digest(network.backbone))


def copies_warnings(copied: int, scored: LabelledScores) -> list[str]:
    """Return a warning if any of the evaluated pictures are copies of training pictures."""
    if not copied:
        return []
    have = "has a copy" if copied == 1 else "have copies"
    return [
        f"{copied} of the {len(scored)} pictures {have} among those trained on: the metrics are "
        "optimistic"
    ]


def selection_warnings(split: Split) -> list[str]:
    """Return a warning if the evaluated split is also the one that the model was selected on."""
    if split == "test":
        return []
    return [f"{split} also chose epoch, calibration and decisions: the metrics are optimistic"]


def add_metrics(card: ModelCard, evaluation: Evaluation, split: Split) -> ModelCard:
    """Return the card with an evaluation's metrics, overall and by subgroup, and its warnings."""
    scored = evaluation.scored
    whom = f"{split}: {len(scored)} pictures of {len(set(scored.groups))} groups never trained on"
    return replace(card, **card_metrics(evaluation, whom))


def provenance() -> dict[str, Any]:
    """Return the date, library versions and platform of this training."""
    versions = {name: version(name) for name in _LIBRARIES}
    host = {"python": platform.python_version(), "platform": sys.platform}
    return {"date": datetime.now(UTC).date().isoformat(), "versions": versions | host}


def summarise_data(options: TrainOptions, examples: Sequence[Example]) -> dict[str, Any]:
    """Return the recipe's ``data``, and the number of pictures, groups and labels in each split.

    Where any labels are unknown, also for how many pictures.
    """
    counts: dict[str, Any] = {}
    for split in ("train", "validation", "test"):
        chosen = [example for example in examples if example.split == split]
        labels = Counter(label for example in chosen for label in example.labels)
        unknown = Counter(label for example in chosen for label in example.unknown)
        counts[split] = {
            "pictures": len(chosen),
            "groups": len({example.group for example in chosen}),
            "labels": dict(sorted(labels.items())),
            **({"unknown": dict(sorted(unknown.items()))} if unknown else {}),
        }
    return {**options.data, **counts}
