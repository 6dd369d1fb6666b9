"""Compare an ensemble of models with each of its members.

    python benchmarks/ensemble.py TABLE RECIPE RECIPE ... [--split test]

Every recipe names a multiclass model with the same labels. Classifies the pictures of a split with
each, and prints macro AUC and balanced accuracy, with 95 % intervals over groups, for each model
and for the mean of all models' log scores. The predicted label is the one with the highest ratio of
its score to its frequency in the split ``validation``.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.metrics import estimate_metrics
from diascope.pipeline import compose
from diascope.recipe import read_recipe
from diascope.table import Example, read_table
from diascope.training.dataset import first_sample

Floats = NDArray[np.float64]
BATCH = 32
LEAST = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    table = read_table(options.table, "multiclass")
    rows = [row for row in table if row.split == options.split]
    print("| | macro AUC | balanced accuracy |\n| --- | --- | --- |")
    every: list[Floats] = []
    for name in options.recipes:
        card, scores = classify(name, rows)
        known = targets_of([row for row in table if row.split == "validation"], card)
        every.append(np.log(np.maximum(scores, LEAST)))
        print_row(name, rows, scores, card, known.mean(axis=0))
    means = np.exp(np.mean(every, axis=0))
    print_row("together", rows, means / means.sum(axis=1, keepdims=True), card, known.mean(axis=0))


def classify(name: str, rows: list[Example]) -> tuple[ModelCard, Floats]:
    """Return the card of a recipe's model, and its scores ``(N, L)``."""
    pipeline = compose(read_recipe(name, ["run.evidence=none"]))
    predictor = pipeline.load()
    found = []
    for start in range(0, len(rows), BATCH):
        samples = [first_sample(row, pipeline.preparation) for row in rows[start : start + BATCH]]
        found += [list(answer.scores.values()) for answer in predictor.predict(samples)]
    return pipeline.model.instance.card, np.array(found)


def targets_of(rows: list[Example], card: ModelCard) -> Floats:
    return np.array([row.vector(card.names, card.task) for row in rows], np.float64)


def print_row(
    name: str, rows: list[Example], scores: Floats, card: ModelCard, shares: Floats
) -> None:
    raised = scores / shares
    scored = LabelledScores(
        names=card.names,
        task=card.task,
        items=tuple(row.name for row in rows),
        groups=tuple(row.group for row in rows),
        targets=targets_of(rows, card),
        scores=scores,
        predicted=raised == raised.max(axis=1, keepdims=True),
        score_kind="softmax",
    )
    figures = estimate_metrics(scored, draws=300)
    cells = (figures[metric] for metric in ("auc_macro", "balanced_accuracy"))
    texts = (f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})" for each in cells)
    print(f"| {name} | {' | '.join(texts)} |", flush=True)


if __name__ == "__main__":
    main()
