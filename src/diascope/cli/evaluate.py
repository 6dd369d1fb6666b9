"""``pipeline evaluate``: measure a recipe on a table of labelled pictures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diascope.cli.command_line import ANY_PATH, reject_empty, typed_command
from diascope.cli.quiet import without_warnings
from diascope.display_text import as_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diascope.evaluation.answers import Answers
    from diascope.evaluation.evaluate import Evaluation
    from diascope.evaluation.plan import EvaluationPlan
    from diascope.pages.measures import Measure
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
    "--per-group",
    is_flag=True,
    help="Measure one answer for each group, such as a patient: the mean scores of its items.",
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
    from diascope.evaluation.plan import plan_evaluation
    from diascope.evaluation.subgroups import split_columns
    from diascope.inference_trace import OVERRIDES
    from diascope.output import lock_folder

    with without_warnings(quiet=options["quiet"]):
        pipeline = _compose(recipe, (*(OVERRIDES if options["evidence"] else ()), *overrides))
        other = _compose(options["compare"], ()) if options["compare"] else None
        folder = _output_folder(options["output"], pipeline)
        plan = plan_evaluation(
            pipeline,
            options["labels"],
            split=options["split"],
            by=split_columns(options["by"]),
            seed=options["seed"],
            other=other,
            per_group=options["per_group"],
            evidence=options["evidence"],
            update_card=options["update_card"],
        )
        with lock_folder(folder, lock_file=_LOCK):
            code = _carry_out(plan, recipe, folder, quiet=options["quiet"])
    sys.exit(code)


def _carry_out(plan: "EvaluationPlan", recipe: str, folder: Path, *, quiet: bool) -> int:
    """Classify, measure and write; return the exit code, 1 if a picture has no answer."""
    from diascope.cli.early_stop import stop_on_output_fault
    from diascope.cli.progress import evidence_progress
    from diascope.evaluation.evidence import measure_evidence
    from diascope.evaluation.write import write_evaluation

    if not quiet:
        if source := plan.rows.split_source:
            click.echo(f"all rows of the table have their split from {source}", err=True)
        for note in plan.card_notes():
            click.echo(f"warning: {note}", err=True)
    answers, code = _classify(plan.pipeline, plan.examples, folder, quiet=quiet)
    others = None
    if plan.other is not None:
        others, other_code = _classify(plan.other, plan.examples, folder / "compared", quiet=quiet)
        code = max(code, other_code)
    evaluation, evidence = plan.evaluate(answers, others), None
    if plan.cases is not None:
        if not quiet:
            click.echo("Measuring the evidence maps, which can take minutes.", err=True)
        with evidence_progress(quiet=quiet) as watch:
            evidence = measure_evidence(plan.cases, answers.examples, seed=plan.seed, watch=watch)
    updated = plan.update_card(evaluation, evidence, answers)
    with stop_on_output_fault(folder):
        files = write_evaluation(
            evaluation,
            folder,
            title=plan.card.title or plan.pipeline.recipe.name,
            facts=_facts(plan, recipe) | ({} if evidence is None else {"evidence": evidence}),
            titles={label.name: label.title for label in plan.card.labels},
        )
    if not quiet:
        _print_summary(evaluation, evidence or {}, [*files[:2], *updated])
    return code


def _compose(recipe: str, overrides: tuple[str, ...]) -> "Pipeline":
    from diascope.pipeline import compose
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, (*_DEFAULTS, *overrides))
    read.refuse_strict("pipeline evaluate")
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
) -> "tuple[Answers, int]":
    """Classify the pictures; return the answers and the exit code."""
    from diascope.cli.early_stop import stop_early, stop_on_output_fault
    from diascope.cli.progress import run_progress
    from diascope.evaluation.prediction_table import write_predictions
    from diascope.evaluation.run_table import classify_rows, read_answers

    with stop_on_output_fault(folder), run_progress(quiet=quiet) as watch:
        outcome = classify_rows(pipeline, examples, folder, watch, typed_command())
    for problem in outcome.problems:
        click.echo(f"error: {problem}", err=True)
    if outcome.stopped:
        stop_early(outcome.stopped, outcome.exit_code)
    with stop_on_output_fault(folder):
        answers = read_answers(pipeline, examples, folder)
        splits = [example.split or "" for example in answers.examples]
        parts = [(splits, answers.examples, answers.scored)]
        write_predictions(folder / "labelled-predictions.csv", "split", parts)
    return answers, max(outcome.exit_code, 1 if answers.failed else 0)


def _facts(plan: "EvaluationPlan", recipe: str) -> dict[str, Any]:
    source = plan.rows.split_source
    return {
        "model": plan.card.name,
        "weights digest": plan.card.digest,
        "recipe": as_utf8(recipe),
        "table": as_utf8(str(plan.table)),
        "split": plan.split or "all rows",
        **({"splits from": source} if source else {}),
        "seed": plan.seed,
        "command": typed_command(),
    }


def _print_summary(evaluation: "Evaluation", evidence: dict[str, Any], files: list[Path]) -> None:
    from diascope.display_text import plural
    from diascope.pages.evidence import evidence_measures
    from diascope.pages.measures import overall_measures

    for warning in evaluation.all_warnings:
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
    from diascope.pages.measures import measure_lines

    for line in measure_lines(measures):
        click.echo(f"  {line}")
