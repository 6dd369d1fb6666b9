"""Match a pipeline's answers with the labels of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diascope.card import ModelCard
from diascope.display_text import plural
from diascope.errors import UsageError
from diascope.evaluation.labelled_rows import columns_of, uri_of
from diascope.evaluation.labelled_scores import Booleans, LabelledScores
from diascope.pipeline import Pipeline
from diascope.sample import Failed, Prediction, Record, ScoreKind
from diascope.table import Example


@dataclass(frozen=True, eq=False)
class Answers:
    """A pipeline's answers to the rows of a table.

    Attributes:
        scored: scores and truth of the rows that have an answer, with a warning or without.
        examples: these rows.
        failed: names of the other rows to the reason why they have none.
        warnings: what readers should know about the answers.
    """

    scored: LabelledScores
    examples: list[Example]
    failed: dict[str, str]
    warnings: list[str]


def match_answers(
    pipeline: Pipeline, examples: Sequence[Example], records: Mapping[str, Record]
) -> Answers:
    """Return the answers to the rows of a table.

    Args:
        records: the URI of each picture to its record.

    Raises:
        UsageError: if nothing was classified, or the scores are not in [0, 1].
    """
    answered: list[tuple[Example, Prediction]] = []
    failed: dict[str, str] = {}
    for example in examples:
        record = records[uri_of(example)]
        if isinstance(record, Prediction):
            answered.append((example, record))
        else:
            again = f" (line {example.line})" if example.name in failed else ""
            stage = f"{record.stage}: " if isinstance(record, Failed) else ""
            failed[f"{example.name}{again}"] = f"{stage}{record.reason}"
    if not answered:
        raise UsageError(f"nothing was classified; the first reason: {next(iter(failed.values()))}")
    scored = _to_scored(answered, pipeline.model.instance.card, pipeline.recipe.run.coverage)
    warnings = []
    if warned := sum(bool(answer.warnings) for _, answer in answered):
        warnings.append(
            f"{warned} of {plural(len(answered), 'answer')} with a warning, such as that the "
            "picture is unlike those of the training"
        )
    if pipeline.recipe.run.coverage is not None and scored.sets is None:
        lacking = sum(answer.prediction_set is None for _, answer in answered)
        warnings.append(
            f"{lacking} of {plural(len(answered), 'answer')} without a prediction set: no sets are "
            "measured"
        )
    return Answers(scored, [example for example, _ in answered], failed, warnings)


def membership_matrix(chosen: Sequence[Sequence[str]], names: Sequence[str]) -> Booleans:
    """Return ``(N, L)``, which of the L labels each of the N choices contains."""
    return np.array([[name in labels for name in names] for labels in chosen], np.bool_)


def _to_scored(
    answered: Sequence[tuple[Example, Prediction]], card: ModelCard, coverage: float | None
) -> LabelledScores:
    kinds = [answer.score_kind for _, answer in answered]
    kind: ScoreKind = next((each for each in kinds if each != "probability"), "probability")
    if kind == "logit":
        raise UsageError("the model's scores are logits; metrics need scores between 0 and 1")
    examples = [example for example, _ in answered]
    answers = [answer for _, answer in answered]
    sets = [answer.prediction_set for answer in answers]
    has_sets = None not in sets  # a model may return none even if the recipe sets a coverage
    scores = np.array([[answer.scores[name] for name in card.names] for answer in answers])
    wrong = ~((scores >= 0) & (scores <= 1))
    if wrong.any():
        raise UsageError(
            f"{int(wrong.any(axis=1).sum())} of {plural(len(answers), 'answer')} with scores that "
            f"are not between 0 and 1, such as {float(scores[wrong][0])!r}"
        )
    return LabelledScores(
        names=card.names,
        task=card.task,
        items=tuple(example.name for example in examples),
        groups=tuple(example.group for example in examples),
        targets=np.array([example.vector(card.names, "multilabel") for example in examples]),
        scores=scores,
        predicted=membership_matrix([answer.predicted for answer in answers], card.names),
        score_kind=kind,
        sets=membership_matrix([chosen or () for chosen in sets], card.names) if has_sets else None,
        coverage=coverage if has_sets else None,
        columns=columns_of(examples),
    )
