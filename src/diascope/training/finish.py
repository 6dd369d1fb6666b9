"""After the last epoch: store weights, fit decisions, evaluate, and write the results."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diascope.card import CARD_FILE, ModelCard, read_card, write_card
from diascope.evaluation.evaluate import evaluate
from diascope.evaluation.labelled_scores import LabelledScores, concatenate
from diascope.evaluation.prediction_table import write_predictions
from diascope.evaluation.update_card import describe_sets
from diascope.evaluation.write import write_evaluation
from diascope.explain.layer_table import tabulate_network
from diascope.network import Network
from diascope.output import write_atomically, write_table
from diascope.table import SPLIT_FILE, Example, Split, label_cell
from diascope.training.artifacts import (
    add_metrics,
    copies_warnings,
    provenance,
    round_weights,
    save_weights,
    selection_warnings,
    summarise_data,
)
from diascope.training.decisions import add_decisions, score_pictures
from diascope.training.duplicates import count_learned_copies
from diascope.training.filters import read_filters
from diascope.training.mistakes import worst_mistakes
from diascope.training.novelty import fit_network_novelty
from diascope.training.page import write_page
from diascope.training.plan import Plan
from diascope.training.sampling import label_shift
from diascope.training.scoring import Figures, predict_logits
from diascope.training.shortages import find_shortages


@dataclass(frozen=True)
class Trained:
    """A trained network with the best epoch's weights.

    Attributes:
        warnings: for the training page.
        copy_sets: sets of copies, as indices into the table.
    """

    plan: Plan
    card: ModelCard
    network: Network
    history: Sequence[Figures]
    workers: int
    warnings: Sequence[str]
    copy_sets: Sequence[Sequence[int]]


def finish(
    trained: Trained, folder: Path, made: dict[str, Any], across: dict[str, Any]
) -> tuple[ModelCard, LabelledScores]:
    """Write all results of a training; return the card and the scores of the test pictures.

    Args:
        made: entries for the card's ``made`` that the caller knows.
        across: the metrics of the cross-validation.
    """
    plan, network, options = trained.plan, trained.network, trained.plan.options
    card = _save_trained(trained, folder)
    flips = card.test_time == "flips"
    validation = plan.pictures("validation", card)
    logits = predict_logits(network, validation, trained.workers, flips=flips)
    shift = None
    if card.task == "multiclass":
        learned = plan.pictures("train", card)
        shift = label_shift(learned.targets, learned.weights, options)
    card = add_decisions(card, options.operating_points, validation, logits, shift)
    split: Split = "test" if plan.split("test") else "validation"
    pictures = plan.pictures(split, card)
    if split == "test":
        logits = predict_logits(network, pictures, trained.workers, flips=flips)
    answers = score_pictures(card, pictures, logits)
    copied = count_learned_copies(trained.copy_sets, plan.examples, split)
    warnings = [*selection_warnings(split), *copies_warnings(copied, answers)]
    evaluation = evaluate(answers, by=options.by, seed=options.seed, warnings=warnings)
    facts = {"recipe_digest": plan.digest, "seed": options.seed, "epochs": len(trained.history)}
    before = _previous_card(folder, card.digest)
    card = replace(
        add_metrics(card, evaluation, split),
        limits=(*card.limits, *(f"{each[0].upper()}{each[1:]}." for each in find_shortages(plan))),
        cross_validation=across,
        data=summarise_data(options, plan.examples),
        evidence=before.evidence if before else {},
        made=before.made
        if before
        else {**{key: fact for key, fact in made.items() if fact}, **facts, **provenance()},
    )
    write_card(card, folder)
    write_atomically(folder / "history.json", json.dumps(trained.history, indent=1))
    titles = {label.name: label.title for label in card.labels}
    about = {"model": card.name, "weights digest": card.digest, "measured on": split}
    title = f"{card.title or card.name}: {split}"
    write_evaluation(evaluation, folder, title=title, facts=about, titles=titles)
    parts = [([split] * len(answers), pictures.examples, answers)]
    write_predictions(folder / "held-out-predictions.csv", "split", parts)
    mistakes = worst_mistakes(card, answers, pictures.picture)
    write_page(
        folder,
        card,
        trained.history,
        mistakes,
        trained.warnings,
        monitor=options.monitor,
        filters=read_filters(folder),
        layers=tabulate_network(network, card.channels, card.size),
    )
    return card, answers


def _previous_card(folder: Path, digest: str) -> ModelCard | None:
    """Return the card of an earlier run that produced the same weights, or None."""
    if not (folder / CARD_FILE).is_file():
        return None
    before = read_card(folder)
    return before if before.digest == digest else None


def _save_trained(trained: Trained, folder: Path) -> ModelCard:
    """Write the rounded weights and the feature statistics, and return the card."""
    plan, card, network = trained.plan, trained.card, trained.network
    frozen = plan.options.freeze_backbone
    tensors = round_weights(network, head_only=plan.head_only, frozen=frozen)
    novelty = fit_network_novelty(network, card, plan, trained.workers)
    if novelty is not None:
        card = replace(card, novelty=novelty.limit)
        tensors |= novelty.tensors()
    return save_weights(card, network, tensors, folder)


def evaluate_folds(
    parts: Sequence[LabelledScores], plan: Plan, folder: Path, copy_sets: Sequence[Sequence[int]]
) -> dict[str, Any]:
    """Write one evaluation and all answers of the folds' held-out pictures; return its metrics.

    Args:
        parts: each fold's scores of pictures of groups that its network never saw.
        copy_sets: sets of copies, as indices into the table.
    """
    if not parts:
        return {}
    whole, options = concatenate(parts), plan.options
    copied = sum(
        count_learned_copies(copy_sets, examples, "test") for examples in plan.fold_examples
    )
    evaluation = evaluate(
        whole, by=options.by, seed=options.seed, warnings=copies_warnings(copied, whole)
    )
    place = folder / "cross-validation"
    place.mkdir(exist_ok=True)
    title = f"{options.title or plan.recipe.name}: {len(parts)} folds"
    titles = {name: text.title for name, text in options.labels.items()}
    write_evaluation(evaluation, place, title=title, facts={"folds": len(parts)}, titles=titles)
    folds = [
        ([number] * len(answers), fold.split("test"), answers)
        for number, (fold, answers) in enumerate(zip(plan.folds(), parts, strict=True), 1)
    ]
    write_predictions(place / "predictions.csv", "fold", folds)
    groups = len(set(whole.groups))
    whom = f"{len(whole)} pictures of {groups} groups"
    unseen = f"{whom}, each by a network that never saw its group"
    measured_on = "; ".join([unseen, *describe_sets(whole), *evaluation.warnings])
    return {"folds": len(parts), "measured_on": measured_on, **evaluation.metrics}


def write_split(examples: Sequence[Example], folder: Path) -> None:
    """Write ``split.csv``: the label, group and split of each picture."""
    rows: list[Sequence[object]] = [("path", "label", "group", "split")]
    for example in examples:
        rows.append((example.name, label_cell(example), example.group, example.split))
    write_table(folder / SPLIT_FILE, rows)
