"""Evaluate a model from its answers and the true labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diascope.display_text import plural
from diascope.evaluation.compare import Comparison
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.metrics import LABEL_METRICS, estimate_metrics
from diascope.evaluation.subgroups import (
    FEW_GROUPS,
    Subgroup,
    measure_subgroups,
    one_sided_labels,
    rare_labels,
)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of an evaluation.

    Attributes:
        metrics: name to ``value, low, high``, the most important first.
        failed: item to the reason why it has no answer; such items are in no metric.
        comparison: with another model on the same items.
        warnings: what readers should know of the model and the rows before they read the metrics.
    """

    scored: LabelledScores
    metrics: Mapping[str, Mapping[str, float]]
    subgroups: Sequence[Subgroup] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    comparison: Comparison | None = None
    warnings: Sequence[str] = ()

    @property
    def overall(self) -> dict[str, Mapping[str, float]]:
        """The metrics of the whole model, without those of single labels."""
        single: set[str] = set()
        if self.scored.task != "binary":
            metrics = (*LABEL_METRICS, "ece")
            single = {f"{metric}_{name}" for metric in metrics for name in self.scored.names}
        return {name: number for name, number in self.metrics.items() if name not in single}

    @property
    def all_warnings(self) -> list[str]:
        """The warnings, also those about the model compared with."""
        return [*self.warnings, *(self.comparison.warnings if self.comparison else ())]

    def plain(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``, without the facts about model and table."""
        return {
            "labels": list(self.scored.names),
            "items": {
                "found": len(self.scored) + len(self.failed),
                "measured": len(self.scored),
                "failed": len(self.failed),
                "groups": len(set(self.scored.groups)),
                "labels": self.scored.counts(),
            },
            "metrics": self.metrics,
            "promised_coverage": self.scored.coverage,
            "subgroups": self._subgroups(),
            "comparison": self._comparison(),
            "warnings": self.all_warnings,
            "failed": self.failed,
        }

    def _subgroups(self) -> dict[str, dict[str, Any]]:
        plain: dict[str, dict[str, Any]] = {}
        for part in self.subgroups:
            items = {"items": part.items, "labels": part.counts}
            found = items | {"metrics": part.metrics, "warning": part.warning}
            plain.setdefault(part.column, {})[part.value] = found
        return plain

    def _comparison(self) -> dict[str, Any] | None:
        if self.comparison is None:
            return None
        tests = {f"auc_{name}": test.plain() for name, test in self.comparison.labels.items()}
        return {
            "with": self.comparison.title,
            "items": self.comparison.items,
            "metrics": self.comparison.metrics,
            "delong": tests,
        }


def evaluate(
    scored: LabelledScores,
    *,
    by: Sequence[str] = (),
    seed: int = 0,
    draws: int = 1000,
    failed: Mapping[str, str] | None = None,
    answered: int | None = None,
    comparison: Comparison | None = None,
    warnings: Sequence[str] = (),
) -> Evaluation:
    """Measure a model overall and by subgroup.

    Args:
        by: columns to divide by, see ``measure_subgroups``.
        draws: number of bootstrap draws of groups for each 95 % interval.
        failed, comparison, warnings: added to the result, see ``Evaluation``.
        answered: number of items with an answer, if it is not that of ``scored``, such as groups.

    Raises:
        UsageError: if the table has no such column.
    """
    return Evaluation(
        scored=scored,
        metrics=estimate_metrics(scored, draws=draws, seed=seed),
        subgroups=measure_subgroups(scored, by, draws=draws, seed=seed),
        failed=dict(failed or {}),
        comparison=comparison,
        warnings=(*_warnings(scored, failed or {}, answered or len(scored)), *warnings),
    )


def _warnings(scored: LabelledScores, failed: Mapping[str, str], answered: int) -> list[str]:
    warnings = []
    if failed:
        fraction = len(failed) / (len(failed) + answered)
        lost = plural(len(failed), "item")
        warnings.append(f"{lost} ({fraction:.1%}) without an answer, in no metric")
    one_sided = one_sided_labels(scored)
    means = "" if scored.task == "binary" else ", and means are over the other labels"
    for reason, names in one_sided.items():
        is_silent = scored.task == "multilabel" and reason == "no item has"
        hint = "; if the table says nothing of it, write ?NAME in every row" if is_silent else ""
        warnings.append(
            f"{reason} the label {', '.join(names)}: metrics that need one are not defined{means}"
            f"{hint}"
        )
    sided = set().union(*one_sided.values())
    known = {name: int(scored.label(column)[0].sum()) for name, column in scored.measured.items()}
    if fewer := [f"{name} of {n:,}" for name, n in known.items() if 0 < n < len(scored)]:
        warnings.append(f"labels not known for all items are measured on fewer: {', '.join(fewer)}")
    if few := [name for name in rare_labels(scored) if name not in sided]:
        warnings.append(
            f"fewer than {FEW_GROUPS} groups with or without {', '.join(few)}: metrics of so few "
            "groups say little, and so do their intervals"
        )
    return warnings
