"""``pipeline evaluate``: measure a recipe on a table of labelled pictures."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diascope.cli.command_line import ANY_PATH, reject_empty, typed_command
from diascope.cli.quiet import without_warnings
from diascope.display_text import as_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diascope.card import ModelCard
    from diascope.evaluation.evaluate import Evaluation
    from diascope.evaluation.evidence_cases import CaseBuilder
    from diascope.evaluation.labelled_scores import LabelledScores
    from diascope.pages.formatting import Measure
    from diascope.pipeline import Pipeline
    from diascope.table import Example

_LOCK = ".evaluation.lock"
_DEFAULTS = ("run.evidence=none", "report=[csv]")
_EXAMPLE = """\b
Examples:
  pipeline evaluate derm.yaml --labels table.csv --output results/evaluation
  pipeline evaluate derm.yaml --labels table.csv --split test --by sex,age:20
  pipeline evaluate derm.yaml --labels table.csv --compare older.yaml
  pipeline evaluate mine.yaml --labels table.csv --split test --evidence --update-card
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", type=ANY_PATH)
@click.option(
    "--labels",
    required=True,
    type=click.Path(path_type=Path),
    help="A CSV with the columns path and label (or labels), optionally group, split and others.",
)
@click.option("--by", default="", help="Columns for subgroups, e.g. sex,age:20 (bins of 20).")
@click.option(
    "--output",
    "-o",
    type=ANY_PATH,
    callback=reject_empty,
    help="Folder for the results; by default `evaluation` in the recipe's output folder.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    help="Use only the rows of one split; by default all rows.",
)
@click.option(
    "--evidence",
    is_flag=True,
    help="Also measure the evidence maps, against masks if the table has a column `mask`.",
)
@click.option(
    "--update-card",
    is_flag=True,
    help="Write the metrics into the model's card; with --evidence, write the measurements of "
    "the evidence maps instead.",
)
@click.option(
    "--compare",
    metavar="RECIPE2",
    type=ANY_PATH,
    callback=reject_empty,
    help="Run another recipe too and compare the two.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the bootstrap.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def evaluate(recipe: str, overrides: tuple[str, ...], **options: Any) -> None:
    """Evaluate RECIPE on a table of labelled pictures.

    Writes metrics.json, evaluation.html and figures/. If a run stopped, the same command resumes
    it; nothing is classified twice.
    """
    from diascope.extras import refuse_missing

    refuse_missing("evaluating needs", "train")
    with without_warnings(quiet=options["quiet"]), ExitStack() as stack:
        code = _evaluate(recipe, overrides, options, stack)
    sys.exit(code)


def _evaluate(
    recipe: str, overrides: tuple[str, ...], options: dict[str, Any], stack: ExitStack
) -> int:
    """Run, measure and write; return the exit code, 1 if a picture has no answer.

    The output folder stays locked until ``stack`` is closed.
    """
    from diascope.cli.early_stop import stop_on_output_fault
    from diascope.cli.progress import evidence_progress
    from diascope.evaluation.compare import check_comparable, compare
    from diascope.evaluation.evaluate import evaluate as measure
    from diascope.evaluation.evidence import measure_evidence
    from diascope.evaluation.run_table import columns_of, read_labels, training_row_warnings
    from diascope.evaluation.subgroups import check_divisible
    from diascope.evaluation.update_card import refuse_trained, updatable_folder
    from diascope.evaluation.write import write_evaluation
    from diascope.inference_trace import OVERRIDES
    from diascope.output import lock_folder
    from diascope.pages.formatting import plural

    quiet, seed = options["quiet"], options["seed"]
    by = [request.strip() for request in options["by"].split(",") if request.strip()]
    pipeline = _compose(recipe, (*(OVERRIDES if options["evidence"] else ()), *overrides))
    other = _compose(options["compare"], ()) if options["compare"] else None
    folder = _output_folder(options["output"], pipeline)
    card = pipeline.model.instance.card
    table, weights = options["labels"], pipeline.weights
    rows = read_labels(table, card, options["split"], weights)
    examples, warnings = rows.examples, [*rows.warnings, *pipeline.warnings]
    if rows.split_source and not quiet:
        click.echo(f"all rows of the table have their split from {rows.split_source}", err=True)
    if other is not None:
        check_comparable(card, other.model.instance.card)
        doubts = [
            *other.warnings,
            *training_row_warnings(examples, other.weights, stated=rows.stated),
        ]
        warnings += [f"{other.recipe.name}: {doubt}" for doubt in doubts]
    check_divisible(columns_of(examples), by)
    card_folder = updatable_folder(pipeline.weights, card) if options["update_card"] else None
    if card_folder is not None and not options["evidence"]:
        refuse_trained(examples, card_folder)
    cases = _case_builder(pipeline, examples, table) if options["evidence"] else None
    stack.enter_context(lock_folder(folder, lock_file=_LOCK))
    scored, failed, doubts, code = _classify(pipeline, examples, folder, quiet=quiet)
    warnings += doubts
    comparison = None
    if other is not None:
        theirs, lost, doubts, other_code = _classify(
            other, examples, folder / "compared", quiet=quiet
        )
        comparison = compare(scored, theirs, title=other.recipe.name, seed=seed)
        warnings += [f"{other.recipe.name}: {doubt}" for doubt in doubts]
        if lost:
            warnings.append(f"{other.recipe.name}: {plural(len(lost), 'item')} without an answer")
        code = max(code, other_code)
    evaluation = measure(
        scored, by=by, seed=seed, failed=failed, comparison=comparison, warnings=warnings
    )
    facts = _facts(pipeline, recipe, rows.split_source, options)
    answered = [example for example in examples if example.name not in failed]
    if cases is not None:
        if not quiet:
            click.echo("Measuring the evidence maps, which can take minutes.", err=True)
        with evidence_progress(quiet=quiet) as watch:
            facts["evidence"] = measure_evidence(cases, answered, seed=seed, watch=watch)
    updated = []
    if card_folder is not None:
        evidence = facts.get("evidence")
        updated = [_update_card(card_folder, card, evaluation, evidence, answered, options)]
    with stop_on_output_fault(folder):
        files = write_evaluation(
            evaluation,
            folder,
            title=card.title or pipeline.recipe.name,
            facts=facts,
            titles={label.name: label.title for label in card.labels},
        )
    if not quiet:
        _print_summary(evaluation, facts.get("evidence", {}), [*files[:2], *updated])
    return code


def _compose(recipe: str, overrides: tuple[str, ...]) -> "Pipeline":
    from diascope.cli.strict_privacy import refuse_strict
    from diascope.pipeline import compose
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, (*_DEFAULTS, *overrides))
    refuse_strict(read, "pipeline evaluate")
    return compose(read)


def _output_folder(output: str | None, pipeline: "Pipeline") -> Path:
    from diascope.card import CARD_FILE
    from diascope.errors import UsageError

    if output is not None:
        if (Path(output) / CARD_FILE).is_file():
            raise UsageError(
                f"{output} holds weights: this would overwrite the evaluation of their training",
                hint=f"Choose another --output, such as {Path(output) / 'evaluation'}.",
            )
        return Path(output)
    if pipeline.recipe.output is None:
        raise UsageError("the recipe names no output folder", hint="Add --output results/.")
    return Path(pipeline.recipe.output) / "evaluation"


def _classify(
    pipeline: "Pipeline", examples: "Sequence[Example]", folder: Path, *, quiet: bool
) -> "tuple[LabelledScores, dict[str, str], list[str], int]":
    """Classify the pictures; return the result of ``collect_scores`` and the exit code."""
    from diascope.cli.early_stop import stop_early, stop_on_output_fault
    from diascope.cli.progress import run_progress
    from diascope.evaluation.run_table import classify, collect_scores

    with stop_on_output_fault(folder), run_progress(quiet=quiet) as watch:
        outcome = classify(pipeline, examples, folder, watch, typed_command())
    for problem in outcome.problems:
        click.echo(f"error: {problem}", err=True)
    if outcome.stopped:
        stop_early(outcome.stopped, outcome.exit_code)
    with stop_on_output_fault(folder):
        scored, failed, doubts = collect_scores(pipeline, examples, folder)
    return scored, failed, doubts, max(outcome.exit_code, 1 if failed else 0)


def _case_builder(
    pipeline: "Pipeline", examples: "Sequence[Example]", table: Path
) -> "CaseBuilder":
    """Return what builds the evidence cases, after checking that model and masks allow it."""
    from diascope.evaluation.evidence_cases import CaseBuilder, refuse_missing_masks
    from diascope.inference_trace import inspectable_classifier

    refuse_missing_masks(examples, table)
    return CaseBuilder.of(pipeline, inspectable_classifier(pipeline), table)


def _update_card(
    folder: Path,
    card: "ModelCard",
    evaluation: "Evaluation",
    evidence: dict[str, Any] | None,
    examples: "Sequence[Example]",
    options: dict[str, Any],
) -> Path:
    """Write the evidence into the card, or the metrics if it was not measured."""
    from diascope.evaluation.update_card import (
        card_evidence,
        card_metrics,
        describe_rows,
        update_card,
    )

    table = options["labels"]
    if evidence is not None:
        return update_card(folder, card, card_evidence(evidence, examples, table))
    rows = f"{options['split'] or 'all rows'}: {describe_rows(examples, table)}"
    return update_card(folder, card, card_metrics(evaluation, rows))


def _facts(
    pipeline: "Pipeline", recipe: str, split_source: str, options: dict[str, Any]
) -> dict[str, Any]:
    card = pipeline.model.instance.card
    return {
        "model": card.name,
        "weights digest": card.digest,
        "recipe": as_utf8(recipe),
        "table": as_utf8(str(options["labels"])),
        "split": options["split"] or "all rows",
        **({"splits from": split_source} if split_source else {}),
        "seed": options["seed"],
        "command": typed_command(),
    }


def _print_summary(evaluation: "Evaluation", evidence: dict[str, Any], files: list[Path]) -> None:
    from diascope.pages.evidence import evidence_measures
    from diascope.pages.formatting import overall_measures, plural

    for warning in evaluation.warnings:
        click.echo(f"warning: {warning}", err=True)
    measured, failed = plural(len(evaluation.scored), "item"), len(evaluation.failed)
    click.echo(f"{measured} measured, {failed:,} without an answer")
    _print_measures(overall_measures(evaluation.overall, ()))
    if (comparison := evaluation.comparison) is not None:
        items = plural(comparison.items, "item")
        click.echo(f"difference from {comparison.title}, on {items}")
        differences = {k: {"value": v["difference"], **v} for k, v in comparison.metrics.items()}
        _print_measures(overall_measures(differences, ()))
    for part in ("inside", "hiding", "randomised") if evidence else ():
        if evidence[part]:
            click.echo(f"evidence, {part}, {evidence[part]['cases']} maps")
            _print_measures(evidence_measures(evidence, part))
    for reason, count in evidence.get("left_out", {}).items():
        click.echo(f"evidence, left out, {count:,}: {reason}")
    for path in files:
        click.echo(f"  {path}")


def _print_measures(measures: "Sequence[Measure]") -> None:
    from diascope.pages.formatting import measure_lines

    for line in measure_lines(measures):
        click.echo(f"  {line}")
