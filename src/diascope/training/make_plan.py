"""Make the plan of a training: read its options and table, split the rows, check what needs no
pictures."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from diascope.display_text import plural
from diascope.errors import TableError
from diascope.evaluation.labelled_rows import columns_of
from diascope.evaluation.subgroups import check_divisible
from diascope.network import state_digest
from diascope.plugin_creation import make_part, make_readers, newer_api_warnings
from diascope.preparation import Preparation
from diascope.recipe import Recipe
from diascope.table import Example, label_names, read_table
from diascope.training.augment import AugmentationChain
from diascope.training.dry_run import build_layers
from diascope.training.leakage import check_unseen, source_folders
from diascope.training.options import train_options
from diascope.training.plan import Plan
from diascope.training.split import folds_by_group, split_by_group
from diascope.training.teachers import teacher_card


def make_plan(recipe: Recipe) -> Plan:
    """Read the recipe's options and the table, and split the table.

    Raises:
        RecipeError, TableError, PluginError: if any of them is wrong.
        WeightsError: if the weights of a teacher or a start are missing.
    """
    options, reference = train_options(recipe)
    rows = read_table(options.table, options.task)
    names = label_names(rows, list(options.labels), options.table)
    with _naming_table(options.table):
        examples = split_by_group(
            rows, test=options.test, validation=options.validation, seed=options.seed
        )
        fold_examples = folds_by_group(
            examples, options.folds, validation=options.validation, seed=options.seed
        )
    for split in ("train", "validation"):
        if not any(example.split == split for example in examples):
            raise TableError(f"no row has the split {split!r}", where=str(options.table))
    if not any(example.weight for example in examples if example.split == "train"):
        raise TableError("every row of train has the weight 0", where=str(options.table))
    check_divisible(columns_of(examples), options.by)
    readers, broken = make_readers(recipe)
    steps = tuple(make_part(step, recipe) for step in recipe.preprocess)
    backbone = make_part(reference, recipe).instance
    plan = Plan(
        recipe=recipe,
        options=options,
        examples=examples,
        names=names,
        reference=reference,
        backbone=backbone,
        preparation=Preparation(
            readers, steps, block=1, acceptance=recipe.accept, broken_readers=tuple(broken)
        ),
        augmentation=AugmentationChain(options.augment, str(recipe.path), recipe.base),
        head_only=options.freeze_backbone
        and options.start is None
        # two builds with the same weights: they come from the plugin and are not random
        and len({state_digest(build_layers(backbone, reference.name)) for _ in range(2)}) == 1,
        fold_examples=fold_examples,
        notes=tuple(_split_notes(rows, examples)),
    )
    return replace(plan, warnings=_check(plan, newer_api_warnings((*readers, *steps))))


def _split_notes(rows: Sequence[Example], examples: Sequence[Example]) -> Iterator[str]:
    """Yield a note if the table states splits, but validation had to be held out of its train."""
    stated = {row.split for row in rows} - {None}
    if stated and "validation" not in stated:
        held_out = [example for example in examples if example.split == "validation"]
        groups = plural(len({example.group for example in held_out}), "group")
        yield (
            "no row has the split 'validation': the option `validation` holds "
            f"{plural(len(held_out), 'picture')} of {groups} out of train for it"
        )


def _check(plan: Plan, warnings: list[str]) -> tuple[str, ...]:
    """Check what needs no pictures; return the given and the new warnings without repeats."""
    options, folds = plan.options, plan.folds()
    card = plan.card((1, 1))
    for folder in options.teachers:
        teacher_card(folder, card)
    for each in (plan, *folds):
        _check_monitor(each)
        for folder in source_folders(options):
            warnings += check_unseen(folder, each.examples)
    for number, fold in enumerate(folds, 1):
        _check_fold_labels(fold, f"fold {number} of {len(folds)}")
    return tuple(dict.fromkeys(warnings))


@contextmanager
def _naming_table(table: Path) -> Iterator[None]:
    """Add the table's path to any TableError."""
    try:
        yield
    except TableError as error:
        raise TableError(error.message, where=str(table), hint=error.hint) from error


def _check_monitor(plan: Plan) -> None:
    """Raise a TableError if the monitored metric cannot be computed on the validation pictures.

    Some label must be known; for an AUC, some label must have pictures both with and without it.
    """
    rows = [example.vector(plan.names, plan.options.task) for example in plan.split("validation")]
    if all(math.isnan(target) for row in rows for target in row):
        raise TableError(
            "no label of any validation picture is known", where=str(plan.options.table)
        )
    if plan.options.monitor != "auc_macro":
        return
    for column in zip(*rows, strict=True):
        if {0.0, 1.0} <= set(column):
            return
    there = set().union(*(example.labels for example in plan.split("validation")))
    lacking = [name for name in plan.names if name not in there]
    counts = [f"{name} ({plural(_count_groups(plan, name), 'group')} in all)" for name in lacking]
    some = f"none has {', '.join(counts)}" if counts else f"all have {', '.join(plan.names)}"
    raise TableError(
        "no label has validation pictures both with and without it, so monitor: auc_macro cannot "
        f"be computed: {some}",
        where=str(plan.options.table),
        hint="Hold out more groups of each label, or write monitor: validation_loss.",
    )


def _check_fold_labels(plan: Plan, called: str) -> None:
    """Raise a TableError naming labels of the table that have no training picture in a fold."""
    every, learned = (
        set().union(*(example.labels for example in examples))
        for examples in (plan.examples, plan.split("train"))
    )
    if lacking := sorted(every - learned):
        hint = "Use more folds, so that each holds out less; or none."
        if alone := [name for name in lacking if _count_groups(plan, name) == 1]:
            hint = (
                f"Folds hold out whole groups, and {', '.join(alone)} has only one: write folds: 0."
            )
        raise TableError(
            f"{called} has no picture of {', '.join(lacking)} to learn from",
            where=str(plan.options.table),
            hint=hint,
        )


def _count_groups(plan: Plan, label: str) -> int:
    return len({example.group for example in plan.examples if label in example.labels})
