"""Evaluate a model from Python, without an output folder: ``evaluate``."""

from __future__ import annotations  # the imports below are only for the type checker

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from diascope.evaluation.answers import Answers
    from diascope.evaluation.evaluate import Evaluation
    from diascope.pipeline import Pipeline
    from diascope.table import Example


def evaluate(
    pipeline: Pipeline,
    labels: str | os.PathLike[str],
    *,
    split: str | None = None,
    by: str | Sequence[str] = (),
    compare: Pipeline | None = None,
    per_group: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Measure a model on a table of labelled pictures.

    Nothing is written: for the page, its figures and ``metrics.json``, and to resume after a kill,
    there is ``pipeline evaluate``, which gives the same metrics.

    Args:
        labels: a CSV with the columns ``path`` and ``label`` (or ``labels``), optionally ``group``,
            ``split`` and others.
        split: use only the rows of ``train``, ``validation`` or ``test``; None for all rows.
        by: columns for subgroups, such as ``["sex", "age:20"]`` (bins of 20) or ``"sex,age:20"``.
        compare: another pipeline, which is run, too, and compared with the first.
        per_group: measure one answer for each group: the mean scores of its items.
        seed: of the bootstrap, from 0 on.

    Returns:
        ``metrics``, name to ``value, low, high`` (95 % intervals over groups);
        ``subgroups``; ``comparison``; ``failed``, the pictures without an answer; and
        ``all_warnings``, which should be read before the metrics.

    Raises:
        TableError: for a wrong table, a label that the model does not know, a split without rows.
        UsageError: if nothing was classified, the models cannot be compared, a column to divide by
            does not exist, there is no such split, items of a group have different labels, or
            something else is given for a pipeline.
        RecipeError: if the recipe says ``privacy: strict``, or a device or the engine is missing.
        WeightsError, PluginError: see ``classify``.
    """
    from diascope.extras import refuse_missing

    refuse_missing("evaluating needs", "train")
    from diascope.classify_pictures import check_pipeline
    from diascope.errors import UsageError
    from diascope.evaluation.plan import plan_evaluation
    from diascope.evaluation.subgroups import split_columns
    from diascope.table import Split

    for each in (pipeline, *([] if compare is None else [compare])):
        check_pipeline(each)
        each.recipe.refuse_strict("evaluate")
    if split not in (None, *get_args(Split)):
        expected = ", ".join(get_args(Split))
        raise UsageError(f"split must be one of {expected} or None, got {split!r}")
    columns = split_columns(by) if isinstance(by, str) else by
    plan = plan_evaluation(
        pipeline,
        Path(labels),
        split=split,
        by=columns,
        per_group=per_group,
        seed=seed,
        other=compare,
    )
    others = None if compare is None else _classify(compare, plan.examples)
    return plan.evaluate(_classify(pipeline, plan.examples), others)


def _classify(pipeline: Pipeline, examples: Sequence[Example]) -> Answers:
    """Classify the pictures of a table; only the scores are kept, not the evidence."""
    from diascope.classify_pictures import classify_found
    from diascope.evaluation.answers import match_answers
    from diascope.local_files import found_file
    from diascope.sample import Prediction, Record

    records: dict[str, Record] = {}
    for record in classify_found(
        pipeline, (found_file(example.path, example.name) for example in examples)
    ):
        if isinstance(record, Prediction):
            record = replace(record, evidence=(), preview=None, overview=None, regions=None)
        records[record.item.uri] = record
    return match_answers(pipeline, examples, records)
