"""``pipeline run``: classify pictures and write the reports."""

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diascope.cli.command_line import ANY_PATH, list_option, reject_empty, typed_command
from diascope.cli.quiet import without_warnings
from diascope.display_text import as_utf8

if TYPE_CHECKING:
    from diascope.pipeline import Pipeline
    from diascope.runner import Outcome

_EXAMPLE = """\b
Examples:
  pipeline run derm.yaml
  pipeline run derm.yaml photos/ more/*.png --output results/
  pipeline run derm.yaml --list paths.csv --set run.batch=64 --workers 4
  pipeline run derm.yaml s3://bucket/photos/ --max-failures 100
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", type=ANY_PATH)
@click.argument("inputs", nargs=-1, type=ANY_PATH)
@click.option(
    "--output", "-o", type=ANY_PATH, callback=reject_empty, help="Folder for the results."
)
@list_option
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--workers", help="Workers that read and preprocess; 0 for none, or auto.")
@click.option("--executor", help="Executor plugin that distributes the work, e.g. local or ray.")
@click.option("--limit", type=click.IntRange(1), help="Classify only the first N items found.")
@click.option("--fail-fast", is_flag=True, help="Stop after the batch in which an item fails.")
@click.option(
    "--max-failures",
    type=click.IntRange(0),
    metavar="N",
    help="Stop when more than N items have failed in this command; earlier ones do not count.",
)
@click.option("--retry", is_flag=True, help="Retry failed and skipped items.")
@click.option("--profile", is_flag=True, help="Print where the time went and how to save some.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def run(recipe: str, inputs: tuple[str, ...], overrides: tuple[str, ...], **options: Any) -> None:
    """Classify pictures with RECIPE and write the reports.

    INPUTS are files, folders, globs or URIs; the default is the recipe's own input. If a run
    stopped, the same command resumes it.
    """
    from diascope.cli.progress import run_progress
    from diascope.cli.strict_privacy import withhold_details
    from diascope.errors import UsageError
    from diascope.pipeline import compose
    from diascope.recipe import read_recipe
    from diascope.runner import RunRequest
    from diascope.runner import run as run_pipeline

    if (workers := options["workers"]) is not None:
        overrides = (*overrides, f"run.workers={workers}")
    read = read_recipe(recipe, overrides)
    executor = options["executor"]
    if executor not in (None, read.executor.name):  # else keep the recipe's executor parameters
        read = read_recipe(recipe, (*overrides, f"run.executor={executor}"))
    if options["fail_fast"] and options["max_failures"] is not None:
        raise UsageError("--fail-fast and --max-failures exclude each other", hint="Choose one.")
    output = options["output"] or read.output
    if output is None:
        raise UsageError("the recipe names no output folder", hint="Add --output results/.")
    pipeline = compose(read)
    request = RunRequest(
        inputs=inputs,
        output=Path(output),
        lists=options["lists"],
        limit=options["limit"],
        max_failures=0 if options["fail_fast"] else options["max_failures"],
        retry=options["retry"],
        command=typed_command(),
    )
    quiet = options["quiet"]
    for warning in () if quiet else pipeline.warnings:
        click.echo(f"warning: {warning}", err=True)
    strict = read.privacy == "strict"
    ends = withhold_details("run") if strict else nullcontext()
    with without_warnings(quiet=quiet), ends, run_progress(quiet=quiet) as watch:
        outcome = run_pipeline(pipeline, request, watch)
    _print_summary(outcome, quiet=quiet, strict=strict)
    if not quiet:
        _say_where_reasons_are(pipeline, outcome)
    if options["profile"] and outcome.profile is not None:
        click.echo("\n".join(outcome.profile.lines()))
    sys.exit(outcome.exit_code)


def _print_summary(outcome: "Outcome", *, quiet: bool, strict: bool) -> None:
    from diascope.cli.early_stop import report_stop

    for problem in outcome.problems:
        click.echo(f"error: {problem}", err=True)
    if outcome.stopped:
        report_stop(outcome.stopped, "" if strict else typed_command())
    counts = outcome.counts
    if quiet or (outcome.stopped and not counts["found"]):  # stopped before the inputs were listed
        return
    pending = f", {counts['pending']} not processed" if counts["pending"] else ""
    click.echo(
        f"{counts['found']} found: {counts['ok']} ok, {counts['failed']} failed, "
        f"{counts['skipped']} skipped{pending}"
        + ("" if outcome.completed or pending else " (nothing was left to classify)")
    )
    if outcome.warned:
        click.echo(
            "  classified with a warning in this run, such as that the picture is unlike the "
            f"training pictures: {outcome.warned}"
        )
    if outcome.execution is not None and not outcome.execution.is_reference:
        click.echo(f"  executed by {outcome.execution.title}")
    for line in _report_lines(outcome.reports, outcome.output, strict):
        click.echo(f"  {as_utf8(line)}")
    if not counts["ok"] and not counts["pending"]:
        click.echo("Nothing was classified.")


def _say_where_reasons_are(pipeline: "Pipeline", outcome: "Outcome") -> None:
    """Say where users read why items failed or were skipped; those of third parties may not."""
    if not (outcome.counts["failed"] or outcome.counts["skipped"]):
        return
    if any(part.plugin.distribution == "diascope" for part in pipeline.reports):
        if outcome.reports:
            click.echo("The reports say why items failed or were skipped.")
        return
    if outcome.first_reason and pipeline.recipe.privacy == "none":
        click.echo(f"The first item that failed or was skipped: {as_utf8(outcome.first_reason)}")
    click.echo("Add csv to `report:`, and failures.csv will say why items failed or were skipped.")


def _report_lines(reports: list[Path], output: Path, strict: bool) -> Iterator[str]:
    """Yield each file directly in the output folder, and each subfolder with its file count."""
    within: dict[Path, list[Path]] = {}
    for path in reports:
        within.setdefault(output / path.relative_to(output).parts[0], []).append(path)
    for first, files in within.items():
        shown = first.name if strict else str(_relative_to_cwd(first))
        yield shown if files == [first] else f"{shown}{os.sep} ({len(files):,} files)"


def _relative_to_cwd(path: Path) -> Path:
    with suppress(ValueError, FileNotFoundError):  # not below it, or the folder is gone
        return path.relative_to(Path.cwd())
    return path
