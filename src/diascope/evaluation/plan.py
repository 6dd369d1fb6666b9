"""Plan an evaluation: check all that can be checked before a picture is classified."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diascope.card import ModelCard
from diascope.display_text import plural
from diascope.errors import UsageError
from diascope.evaluation.answers import Answers
from diascope.evaluation.compare import Comparison, check_comparable, compare
from diascope.evaluation.evaluate import Evaluation, evaluate
from diascope.evaluation.evidence_cases import CaseBuilder, refuse_missing_masks
from diascope.evaluation.group_answers import answer_groups
from diascope.evaluation.labelled_rows import (
    TableRows,
    columns_of,
    read_labels,
    training_row_warnings,
)
from diascope.evaluation.subgroups import check_divisible
from diascope.evaluation.update_card import (
    card_evidence,
    card_metrics,
    describe_rows,
    lost_figures,
    refuse_other_settings,
    refuse_trained,
    updatable_folder,
    update_card,
)
from diascope.inference_trace import inspectable_classifier
from diascope.pipeline import Pipeline
from diascope.table import Example


@dataclass(frozen=True, eq=False)
class EvaluationPlan:
    """What an evaluation measures.

    Attributes:
        table: the CSV that the rows are from.
        split: the split that was asked for; None for all rows.
        by: columns to divide by into subgroups.
        per_group: whether each group has one answer, see ``answer_groups``.
        seed: of the bootstrap.
        other: the pipeline to compare with.
        warnings: about the rows and the recipe.
        other_title, other_warnings: of the pipeline to compare with.
        cases: what builds the evidence maps to measure; None if they are not measured.
        card_folder: the weights whose card gets the measurements; None if it is not updated.
    """

    pipeline: Pipeline
    table: Path
    split: str | None
    by: Sequence[str]
    per_group: bool
    seed: int
    rows: TableRows
    other: Pipeline | None
    warnings: Sequence[str]
    other_title: str
    other_warnings: Sequence[str]
    cases: CaseBuilder | None
    card_folder: Path | None

    @property
    def examples(self) -> list[Example]:
        """The rows to measure."""
        return self.rows.examples

    @property
    def card(self) -> ModelCard:
        return self.pipeline.model.instance.card

    def evaluate(self, answers: Answers, others: Answers | None = None) -> Evaluation:
        """Measure the answers, and compare them with the other pipeline's if there is one.

        Raises:
            UsageError: if groups are measured, and items of one have different labels.
        """
        scored, notes = answers.scored, [*self.warnings, *answers.warnings]
        if self.per_group:
            items = plural(len(scored), "item")
            notes.append(f"one answer for each group, the mean scores of its items ({items})")
            scored = answer_groups(scored, self.card)
        comparison = None
        if others is not None and self.other is not None:
            comparison = self._compare(answers, others, self.other)
        return evaluate(
            scored,
            by=self.by,
            seed=self.seed,
            failed=answers.failed,
            answered=len(answers.scored),
            comparison=comparison,
            warnings=notes,
        )

    def _compare(self, answers: Answers, others: Answers, other: Pipeline) -> Comparison:
        title, warnings = self.other_title, [*self.other_warnings, *others.warnings]
        if others.failed:
            warnings.append(f"{plural(len(others.failed), 'item')} without an answer")
        ours, theirs = answers.scored, others.scored
        if self.per_group:
            shared = list({*ours.items} & {*theirs.items})  # groups have the same items in both
            ours = answer_groups(ours.take(np.isin(ours.items, shared)), self.card)
            card = other.model.instance.card
            theirs = answer_groups(theirs.take(np.isin(theirs.items, shared)), card)
        return compare(
            ours,
            theirs,
            title=title,
            seed=self.seed,
            warnings=[f"{title}: {warning}" for warning in warnings],
        )

    def card_notes(self) -> list[str]:
        """Return what the card will lose if it is updated."""
        if self.card_folder is None or self.cases is not None:
            return []
        return lost_figures(self.card, self.by, self.pipeline.recipe.run.coverage)

    def update_card(
        self, evaluation: Evaluation, evidence: dict[str, Any] | None, answers: Answers
    ) -> list[Path]:
        """Write the evidence into the card, or the metrics if it was not measured.

        Returns:
            the path of the card; nothing if the plan does not update it.

        Raises:
            WeightsError: if card or weights are no longer those that were measured.
            OutputError: if the card cannot be written.
        """
        if self.card_folder is None:
            return []
        if evidence is not None:
            fields = card_evidence(evidence, answers.examples, self.table)
        else:
            rows = describe_rows(answers.examples, self.table)
            fields = card_metrics(evaluation, f"{self.split or 'all rows'}: {rows}")
        return [update_card(self.card_folder, self.card, fields)]


def plan_evaluation(
    pipeline: Pipeline,
    table: Path,
    *,
    split: str | None,
    by: Sequence[str],
    seed: int,
    other: Pipeline | None,
    per_group: bool = False,
    evidence: bool = False,
    update_card: bool = False,
) -> EvaluationPlan:
    """Return what an evaluation measures.

    Args:
        table: a CSV with the columns ``path`` and ``label`` or ``labels``.
        split, by, seed, other, per_group: see ``EvaluationPlan``.
        evidence: whether the evidence maps are measured, too.
        update_card: whether the measurements are written into the model's card.

    Raises:
        TableError: for a wrong table, a label that the model does not know, a split without rows.
        UsageError: if the models cannot be compared, a column to divide by does not exist, the
            maps cannot be measured, or the card must not have the metrics of these rows.
        WeightsError, OutputError: if the card cannot be updated.
    """
    card = pipeline.model.instance.card
    if per_group and update_card:
        raise UsageError("--update-card: a card states the metrics of items; omit --per-group")
    rows = read_labels(table, card, split, pipeline.weights)
    other_title, other_warnings = "", list[str]()
    if other is not None:
        check_comparable(card, other.model.instance.card)
        other_title = _title_beside(other, pipeline)
        other_warnings += other.warnings
        other_warnings += training_row_warnings(rows.examples, other.weights, stated=rows.stated)
    check_divisible(columns_of(rows.examples), by)
    card_folder = updatable_folder(pipeline.weights, card) if update_card else None
    if card_folder is not None:
        refuse_other_settings(pipeline.model.instance)
        if not evidence:
            refuse_trained(rows.examples, card_folder)
    cases = None
    if evidence:
        refuse_missing_masks(rows.examples, table)
        cases = CaseBuilder.of(pipeline, inspectable_classifier(pipeline), table)
    return EvaluationPlan(
        pipeline=pipeline,
        table=table,
        split=split,
        by=by,
        per_group=per_group,
        seed=seed,
        rows=rows,
        other=other,
        warnings=[*rows.warnings, *pipeline.warnings],
        other_title=other_title,
        other_warnings=other_warnings,
        cases=cases,
        card_folder=card_folder,
    )


def _title_beside(other: Pipeline, pipeline: Pipeline) -> str:
    """Return the name of a pipeline, with that of its weights if another one has that name.

    It goes into pages, so it holds no path.
    """
    name, weights = other.recipe.name, other.weights
    return f"{name} ({weights.name})" if weights and name == pipeline.recipe.name else name
