"""Compare backbones, sizes, steps and losses for a table by linear probes on frozen features.

    python benchmarks/probes.py RECIPE TABLE [--folds 5] [--only backbone]

RECIPE has a ``train:`` section. For every change below, the backbone's pooled features of the
pictures are computed once, without augmentation. Linear heads are fitted to them with an L2 penalty
that is chosen on validation groups, and each group is classified by a head that never saw it.
Pictures of the split ``test`` are left out, so that nothing is chosen on them. Prints macro AUC and
balanced accuracy (of the highest score) with 95 % intervals over groups, and the paired difference
to the unchanged recipe.

What suits a frozen backbone need not suit a trained one: this is a cheap ranking of what is worth
training.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from diascope.decision import softmax
from diascope.evaluation.compare import compare
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.metrics import estimate_metrics, macro_auc
from diascope.recipe import read_recipe
from diascope.training.dataset import Pictures, first_sample
from diascope.training.loss import Objective
from diascope.training.make_plan import make_plan
from diascope.training.options import TrainOptions
from diascope.training.plan import Plan
from diascope.training.sampling import row_probabilities
from diascope.training.split import folds_by_group

Features = NDArray[np.float32]

PENALTIES = (0.005, 0.05, 0.5)
"""L2 penalties to choose from, once for each fold; the loss is a mean over pictures."""

PLAIN = ("balance=none", "label_smoothing=0", "epoch_size=0")
"""Loss settings used for all comparisons except those of losses."""

LOOKS: dict[str, dict[str, tuple[str, ...]]] = {
    "backbone": {
        name: (f"train.backbone={{{name}: {{weights: imagenet}}}}",)
        for name in ("efficientnet-lite1", "efficientnet-lite2")
    },
    "size": {
        f"{size} pixels": (f"preprocess=[gray-world, {{resize: {{size: {size}}}}}]",)
        for size in (128, 160, 224, 256)
    },
    "steps": {
        "no colour constancy": ("preprocess=[{resize: {size: 192}}]",),
        "shades-of-gray": ("preprocess=[shades-of-gray, {resize: {size: 192}}]",),
        "hair-removal": ("preprocess=[gray-world, hair-removal, {resize: {size: 192}}]",),
    },
}
LOSSES = {
    "class weights, power 0.5": ("balance=weights", "balance_power=0.5"),
    "class weights, power 1": ("balance=weights", "balance_power=1"),
    "balanced sampling, power 0.5": ("balance=sampling", "balance_power=0.5"),
    "balanced sampling, power 1": ("balance=sampling", "balance_power=1"),
    "focal loss": ("loss=focal",),
    "logit adjustment 1": ("logit_adjustment=1",),
    "label smoothing 0.05": ("label_smoothing=0.05",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("table", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", choices=[*LOOKS, "loss"])
    options = parser.parse_args()

    plan = make_probe_plan(options, PLAIN)
    features = extract_features(plan)
    base = cross_validate(plan, features, options.folds)
    print_row("the recipe, cross-entropy", base, None)
    for kind, looks in LOOKS.items():
        for name, changes in looks.items():
            if options.only in (None, kind):
                other = make_probe_plan(options, PLAIN, changes)
                print_row(name, cross_validate(other, extract_features(other), options.folds), base)
    for name, losses in LOSSES.items():
        if options.only in (None, "loss"):
            other = make_probe_plan(options, (*PLAIN, *losses))
            print_row(name, cross_validate(other, features, options.folds), base)


def make_probe_plan(
    options: argparse.Namespace, training: tuple[str, ...], changes: tuple[str, ...] = ()
) -> Plan:
    settings = [f"train.{each}" for each in (f"table={options.table.absolute()}", *training)]
    return make_plan(read_recipe(options.recipe, [*settings, *changes]))


def extract_features(plan: Plan) -> Features:
    """Return the backbone's pooled features of all pictures, ``(N, F)``."""
    rows = [example for example in plan.examples if example.split != "test"]
    height, width, _ = first_sample(rows[0], plan.preparation).pixels.shape
    pictures = Pictures(rows, plan.preparation, plan.card((height, width)))
    backbone = plan.backbone.build().eval()
    backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for batch, *_ in DataLoader(pictures, 32, num_workers=1):
            found.append(
                backbone(pictures.to_device(batch, torch.device("cpu"))).mean((2, 3)).float()
            )
    return torch.cat(found).numpy()


def cross_validate(plan: Plan, features: Features, folds: int) -> LabelledScores:
    """Return the scores of all pictures, each by a head that never saw its group."""
    rows = [example for example in plan.examples if example.split != "test"]
    names, task = plan.names, plan.options.task
    targets = np.array([row.vector(names, task) for row in rows], np.float32)
    logits = np.zeros(targets.shape, np.float32)
    for split in folds_by_group(rows, folds, validation=0.2, seed=plan.options.seed):
        part = np.array([example.split for example in split])
        held_out = part == "test"
        mean, std = features[~held_out].mean(0), features[~held_out].std(0) + 1e-3
        normal = torch.from_numpy((features - mean) / std)
        penalty = choose_penalty(plan.options, normal, targets, part)
        head = fit_head(plan.options, normal[~held_out], targets[~held_out], penalty)
        logits[held_out] = compute_logits(head, normal[held_out])
    scores = softmax(logits.astype(np.float64))
    return LabelledScores(
        names=names,
        task=task,
        items=tuple(row.name for row in rows),
        groups=tuple(row.group for row in rows),
        targets=targets.astype(np.float64),
        scores=scores,
        predicted=scores == scores.max(axis=1, keepdims=True),
        score_kind="softmax",
    )


def choose_penalty(
    options: TrainOptions, features: torch.Tensor, targets: Features, part: NDArray[np.str_]
) -> float:
    """Return the penalty that gives the best macro AUC on validation groups."""
    train, validation = part == "train", part == "validation"

    def validation_auc(penalty: float) -> float:
        head = fit_head(options, features[train], targets[train], penalty)
        return macro_auc(targets[validation], softmax(compute_logits(head, features[validation])))

    return max(PENALTIES, key=validation_auc)


def compute_logits(head: nn.Linear, features: torch.Tensor) -> Features:
    with torch.inference_mode():
        logits: Features = head(features).numpy()
    return logits


def fit_head(
    options: TrainOptions, features: torch.Tensor, targets: Features, penalty: float
) -> nn.Linear:
    """Fit a linear head with the options' loss and balance, and an L2 penalty on its weights."""
    torch.manual_seed(options.seed)
    head = nn.Linear(features.shape[1], targets.shape[1])
    objective = Objective(options, options.task, targets)
    wanted = torch.from_numpy(targets)
    row_weights = torch.from_numpy(row_probabilities(targets, options)).float() * len(targets)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=150, line_search_fn="strong_wolfe")

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = objective(head(features), wanted, row_weights)
        loss = loss + penalty / 2 * head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(step)
    return head


def print_row(name: str, found: LabelledScores, base: LabelledScores | None) -> None:
    figures, cells = estimate_metrics(found, draws=300), [name]
    metrics = compare(found, base, title="", draws=300).metrics if base else {}
    for metric in ("auc_macro", "balanced_accuracy"):
        value = figures[metric]
        cells.append(f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})")
        if metric in metrics:
            change = metrics[metric]
            text = f"{change['difference']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})"
            cells.append(text)
        else:
            cells.append("")
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
