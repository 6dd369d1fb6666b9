"""``pipeline explain``: what the network saw in one picture, on one page."""

import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click

_METHODS = ("exact", "hirescam", "grad-cam", "grad-cam++", "integrated-gradients")
_EXAMPLE = """\b
Examples:
  pipeline explain derm.yaml photo.jpg --output results/explained
  pipeline explain derm.yaml photo.jpg --label mel --output results/explained
  pipeline explain --demo --output results/blackboard
"""


@click.command(epilog=_EXAMPLE)
@click.argument("recipe", required=False)
@click.argument("image", required=False)
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path), help="A folder.")
@click.option("--label", help="The label to look at closely; the answer's if not given.")
@click.option(
    "--method",
    type=click.Choice(_METHODS),
    default="exact",
    show_default=True,
    help="How the evidence maps are made.",
)
@click.option("--no-occlusion", is_flag=True, help="Leave out what takes the most time.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--demo", is_flag=True, help="A convolution as on a blackboard; needs no recipe.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
def explain(
    recipe: str | None, image: str | None, output: Path, demo: bool, quiet: bool, **options: Any
) -> None:
    """Show how RECIPE's model comes to its answer for IMAGE, from the pixels on.

    Writes explain.html: the preprocessing step by step, the first filters, maps of every depth,
    evidence maps and what they add up to, and the arithmetic of single places.
    """
    from diascope.errors import ReadError, UsageError

    if demo:
        _write(output, "blackboard.html", _demo(), quiet)
        return
    if recipe is None or image is None:
        raise UsageError("a recipe and an image are needed", hint="Or --demo, which needs neither.")
    try:
        page = _explained(recipe, image, quiet, options)
    except ReadError as error:  # as in a run: it is the picture that failed
        click.echo(f"failed: {image}: {error}", err=True)
        sys.exit(1)
    _write(output, "explain.html", page, quiet)


def _demo() -> str:
    from diascope.explain.blackboard import blackboard
    from diascope.explain.blackboard_page import blackboard_page

    return blackboard_page(blackboard())


def _explained(recipe: str, image: str, quiet: bool, options: dict[str, Any]) -> str:
    from diascope.cli.private import refuse_strict
    from diascope.explain.explanation import explain as look
    from diascope.explain.page import Subject, explain_page
    from diascope.explain.steps import last_stage
    from diascope.pipeline import compose
    from diascope.recipe import read_recipe

    read = read_recipe(recipe, ("run.evidence=none", *options["overrides"]))
    refuse_strict(read, "pipeline explain")
    pipeline = compose(read)
    card = pipeline.model.instance.card
    outputs = _outputs(card, options["label"])
    sample, stages, notes = _prepared(pipeline, image)
    predictor = classifier_of(pipeline)
    start = time.perf_counter()
    prediction, batch = _answered(predictor, sample)
    classified = time.perf_counter()
    chosen = options["label"] or max(outputs, key=lambda name: prediction.scores[name])
    method, occlusion = options["method"], not options["no_occlusion"]
    found = look(predictor.network, batch, outputs, chosen, method=method, occlusion=occlusion)
    facts = {
        "model": card.name,
        "recipe": str(pipeline.recipe.path),
        "image": sample.item.uri,
        "weights (SHA-256)": card.digest,
        "command": shlex.join(["pipeline", *sys.argv[1:]]),
        "seconds to classify": classified - start,
        "seconds to explain": time.perf_counter() - classified,
    }
    warnings = (*pipeline.warnings, *notes, *prediction.warnings)
    if not quiet:
        _tell(found.evidence[chosen], prediction, chosen, facts)
    stages.append(last_stage(batch, card))
    return explain_page(Subject(card, prediction, stages, chosen, facts, warnings), found)


def _prepared(pipeline: Any, image: str) -> tuple[Any, list[Any], list[str]]:
    """Return the last sample, the picture at each point of its way, and notes."""
    from diascope.explain.steps import walked

    first, notes = _read(pipeline, image)
    steps = [(part.plugin.name, part.instance) for part in pipeline.preparation.steps]
    return *walked(first, steps), notes


def _answered(predictor: Any, sample: Any) -> tuple[Any, Any]:
    """Return the model's answer, and the batch that its network saw."""
    from diascope.errors import ReadError
    from diascope.explain.steps import taken

    try:
        answers, batch = taken(predictor.network, lambda: predictor.predict([sample]))
    except ValueError as error:
        raise ReadError(str(error)) from error
    return answers[0], batch


def _read(pipeline: Any, image: str) -> tuple[Any, list[str]]:
    """Return the first frame of the picture as its reader gave it, and what to know of it."""
    from dataclasses import replace
    from itertools import islice

    from diascope.errors import ReadError, UsageError
    from diascope.inputs import find_items
    from diascope.sample import Failed, Skipped

    found = list(islice(find_items([image]), 2))
    if len(found) != 1:
        some = "several files" if found else "no file"
        raise UsageError(f"{image!r} is {some}", hint="Name one picture.")
    preparation = replace(pipeline.preparation, steps=(), block=1)
    end = found[0].end
    read = [end] if end else list(islice(preparation.prepare(found[0].item), 2))
    if isinstance(read[0], Failed | Skipped):
        raise ReadError(read[0].reason)
    more = ["It holds more than one picture; this page is of the first."] if len(read) > 1 else []
    return read[0][0], more


def classifier_of(pipeline: Any) -> Any:
    """Return the loaded model, which must be a backbone and a head."""
    from diascope.classifier import Classifier
    from diascope.errors import PluginError

    predictor = pipeline.load()
    if not isinstance(predictor, Classifier):
        raise PluginError(
            f"{pipeline.model.plugin.title} cannot be explained: it is no backbone with a head",
            hint="A model whose load() returns a diascope Classifier can.",
        )
    return predictor


def _outputs(card: Any, label: str | None) -> dict[str, int]:
    """Return label to the network's output; a binary network speaks only for its second label."""
    from diascope.document import nearest
    from diascope.errors import UsageError

    names = card.names[-card.outputs :]
    if label is not None and label not in names:
        raise UsageError(
            f"{card.name} has no evidence for the label {label!r}",
            hint=nearest(label, list(names)),
        )
    return {name: output for output, name in enumerate(names)}


def _tell(evidence: Any, prediction: Any, chosen: str, facts: dict[str, Any]) -> None:
    click.echo(f"{', '.join(prediction.predicted) or 'no label'}: {prediction.item.id}")
    told = f"  {evidence.method} evidence of {chosen}: sum {evidence.sum:+.4g}"
    if evidence.residual is not None:
        told += f", relative residual {evidence.residual:.1e}"
    click.echo(told)
    classify, explain_ = facts["seconds to classify"], facts["seconds to explain"]
    click.echo(f"  classified in {classify:.2f} s, explained in {explain_:.2f} s")


def _write(folder: Path, name: str, page: str, quiet: bool) -> None:
    from diascope.errors import OutputError
    from diascope.output import write_whole

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, page)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    if not quiet:
        click.echo(f"  {folder / name}")
