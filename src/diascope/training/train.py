"""From a training recipe to a folder of weights and their card."""

import csv
import hashlib
import json
import platform
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from diascope.contracts import Backbone
from diascope.network import Network, build_head, state_digest
from diascope.pipeline import make_part
from diascope.preparation import Preparation
from diascope.recipe import Recipe, Reference
from diascope.training.augment import Augmentation
from diascope.training.checkpoint import load_checkpoint
from diascope.training.loop import Progress, Trainer, score_all
from diascope.training.metrics import measured
from diascope.training.options import TrainOptions, train_options
from diascope.training.pictures import Pictures
from diascope.training.split import split_by_group
from diascope.training.table import Example, label_names, read_table

_LIBRARIES = ("diascope", "torch", "monai", "lightning-fabric", "numpy", "pillow")


def train(
    recipe: Recipe, directory: Path, watch: Callable[[Progress], None], command: str
) -> ModelCard:
    """Train a classifier and write ``model.safetensors``, ``card.yaml``, ``split.csv`` and the
    epochs' figures, ``history.json``, into ``directory``.

    The same command again goes on where a killed one stopped. The card's metrics are measured on
    the test groups, with the weights as they are stored.

    Raises:
        RecipeError, TableError, PluginError, WeightsError: before anything is trained.
    """
    options, reference = train_options(recipe)
    examples = read_table(options.table, options.task)
    names = label_names(examples, list(options.labels), options.table)
    examples = split_by_group(
        examples, test=options.test, validation=options.validation, seed=options.seed
    )
    torch.manual_seed(options.seed)
    backbone: Backbone = make_part(reference, recipe).instance
    preparation = _preparation(recipe)
    augmentation = Augmentation(options.augment, str(recipe.path))
    parts = {
        split: Pictures(
            [example for example in examples if example.split == split],
            preparation,
            names,
            options.task,
            augmentation if split == "train" else None,
        )
        for split in ("train", "validation", "test")
    }
    card = _first_card(recipe, options, reference, backbone, names, parts["train"])
    head = build_head(card.head, backbone.features, card.outputs, options.dropout)
    network = Network(backbone.build(), head)
    directory.mkdir(parents=True, exist_ok=True)
    digest = _digest(recipe, examples)
    load_checkpoint(directory, digest)  # refuses a folder that holds another training
    _write_split(examples, options, directory)
    workers = 1 if recipe.run.workers == "auto" else recipe.run.workers
    trainer = Trainer(
        network,
        card,
        options,
        parts["train"],
        parts["validation"],
        directory,
        digest,
        workers,
        watch,
    )
    history = trainer.fit()
    (directory / "history.json").write_text(json.dumps(history, indent=1), encoding="utf-8")
    digest_of_file = _store(network, directory, head_only=options.freeze_backbone)
    card = replace(
        card,
        digest=digest_of_file,
        backbone_digest=state_digest(network.backbone),
        data=_data(options, examples),
        metrics=_metrics(network, card, parts, workers, options),
        made=_made(command, digest, options, history),
    )
    write_card(card, directory)
    return card


def _preparation(recipe: Recipe) -> Preparation:
    reader = recipe.read or Reference("reader", "image", {}, str(recipe.path))
    steps = tuple(make_part(step, recipe) for step in recipe.preprocess)
    return Preparation((make_part(reader, recipe),), steps, block=1)


def _first_card(
    recipe: Recipe,
    options: TrainOptions,
    reference: Reference,
    backbone: Backbone,
    names: Sequence[str],
    training: Pictures,
) -> ModelCard:
    texts = options.labels
    plain = reference.plain()
    parameters = dict(plain[reference.name]) if isinstance(plain, dict) else {}
    if not options.freeze_backbone:
        parameters.pop("weights", None)  # the file holds its own
    return ModelCard(
        name=recipe.name,
        title=options.title,
        task=options.task,
        labels=tuple(
            Label(name, texts[name].title, texts[name].codes) if name in texts else Label(name)
            for name in names
        ),
        size=training.picture(0).shape[1:],  # type: ignore[arg-type]
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


def _metrics(
    network: Network,
    card: ModelCard,
    parts: dict[str, Pictures],
    workers: int,
    options: TrainOptions,
) -> dict[str, Any]:
    held_out = "test" if len(parts["test"]) else "validation"
    pictures = parts[held_out]
    targets, scores = score_all(network, card, pictures, workers)
    groups = [example.group for example in pictures.examples]
    figures = measured(targets, scores, groups, card.names, card.task, seed=options.seed)
    return {
        "measured_on": f"{held_out}: {len(pictures)} pictures of {len(set(groups))} groups "
        "never trained on; 95 % bootstrap over groups",
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


def _made(
    command: str, digest: str, options: TrainOptions, history: Sequence[dict[str, float]]
) -> dict[str, Any]:
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "recipe_digest": digest,
        "seed": options.seed,
        "epochs": len(history),
        "validation_auc_macro": round(max(row["auc_macro"] for row in history), 4),
        "versions": {name: version(name) for name in _LIBRARIES}
        | {"python": platform.python_version(), "platform": sys.platform},
    }


def _write_split(examples: Sequence[Example], options: TrainOptions, directory: Path) -> None:
    with (directory / "split.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group", "split"])
        for example in examples:
            writer.writerow(
                [example.name, "|".join(sorted(example.labels)), example.group, example.split]
            )


def _digest(recipe: Recipe, examples: Sequence[Example]) -> str:
    facts = {key: recipe.plain()[key] for key in ("preprocess", "train")}
    facts["rows"] = [
        (example.name, sorted(example.labels), example.group, example.split) for example in examples
    ]
    facts["train"] = {key: value for key, value in facts["train"].items() if key != "table"}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
