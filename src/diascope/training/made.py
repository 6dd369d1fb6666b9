"""What a training leaves behind: the weights file, and the card that says what it is."""

import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import save

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest
from diascope.contracts import Backbone
from diascope.errors import RecipeError
from diascope.network import Network, state_digest
from diascope.recipe import Recipe, Reference
from diascope.training.loop import Figures, score_all
from diascope.training.metrics import measured
from diascope.training.options import TrainOptions
from diascope.training.pictures import Pictures
from diascope.training.table import Example

_LIBRARIES = ("diascope", "torch", "monai", "lightning-fabric", "numpy", "pillow")


def first_card(
    recipe: Recipe,
    options: TrainOptions,
    reference: Reference,
    backbone: Backbone,
    names: Sequence[str],
    size: tuple[int, int],
) -> ModelCard:
    texts = options.labels
    plain = reference.plain()
    parameters = dict(plain[reference.name]) if isinstance(plain, dict) else {}
    if not options.freeze_backbone:
        parameters.pop("weights", None)  # the file holds its own
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
        backbone_parameters=parameters,
        head=options.head,
        mean=tuple(backbone.mean),
        std=tuple(backbone.std),
        score_kind="softmax" if options.task == "multiclass" else "sigmoid",
        preprocess=tuple(recipe.plain()["preprocess"]),
        licence=options.licence,
        limits=options.limits,
    )
    if wrong := card.contradiction():
        raise RecipeError(wrong, where=str(recipe.path))
    return card


def _store(network: Network, directory: Path, *, head_only: bool) -> str:
    """Write the weights and return the file's digest; the network takes the stored values.

    Filters and matrices are stored in half precision, biases and normalisation in single.
    """
    state = {
        name: (value.half() if value.ndim > 1 else value).contiguous().cpu()
        for name, value in network.state_dict().items()
        if name.startswith("head.") or not head_only
    }
    stored = {name: value.float() for name, value in state.items()}
    network.load_state_dict(stored, strict=not head_only)
    part = directory / f"{WEIGHTS_FILE}.part"
    part.write_bytes(save(state))
    part.replace(directory / WEIGHTS_FILE)
    return file_digest(directory / WEIGHTS_FILE)


def finished_card(
    card: ModelCard,
    network: Network,
    directory: Path,
    options: TrainOptions,
    examples: Sequence[Example],
    held_out: Pictures,
    history: Sequence[Figures],
    made: dict[str, Any],
    workers: int,
) -> ModelCard:
    """Store the weights; return the card of what was stored, measured on held-out pictures."""
    digest = _store(network, directory, head_only=options.freeze_backbone)
    areas = [area for row in history if (area := row["auc_macro"]) is not None]
    return replace(
        card,
        digest=digest,
        backbone_digest=state_digest(network.backbone),
        data=_data(options, examples),
        metrics=_metrics(network, card, held_out, workers, options.seed),
        made={
            **made,
            "date": datetime.now(UTC).date().isoformat(),
            "epochs": len(history),
            "validation_auc_macro": round(max(areas), 4) if areas else None,
            "versions": {name: version(name) for name in _LIBRARIES}
            | {"python": platform.python_version(), "platform": sys.platform},
        },
    )


def _metrics(
    network: Network, card: ModelCard, pictures: Pictures, workers: int, seed: int
) -> dict[str, Any]:
    targets, scores = score_all(network, card, pictures, workers)
    groups = [example.group for example in pictures.examples]
    figures = measured(targets, scores, groups, card.names, card.task, seed=seed)
    split = pictures.examples[0].split
    chose = "" if split == "test" else " (it also chose the epoch, so they flatter)"
    return {
        "measured_on": f"{split}: {len(pictures)} pictures of {len(set(groups))} groups never "
        f"trained on; 95 % bootstrap over groups{chose}",
        **figures,
    }


def _data(options: TrainOptions, examples: Sequence[Example]) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for split in ("train", "validation", "test"):
        chosen = [example for example in examples if example.split == split]
        labels = Counter(label for example in chosen for label in example.labels)
        counts[split] = {
            "pictures": len(chosen),
            "groups": len({example.group for example in chosen}),
            "labels": dict(sorted(labels.items())),
        }
    return {**options.data, **counts}
