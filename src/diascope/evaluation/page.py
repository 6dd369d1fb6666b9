"""``evaluation.html``: the whole evaluation on one self-contained page."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from diascope.card import Label
from diascope.display_text import plural
from diascope.evaluation.compare import Comparison
from diascope.evaluation.evaluate import Evaluation
from diascope.evaluation.figures import DRAWINGS, Drawing
from diascope.evaluation.group_counts import ENOUGH_GROUPS
from diascope.evaluation.style import inline_svg
from diascope.pages.measures import (
    MeasureRow,
    MeasureTable,
    format_title,
    label_measures,
    overall_measures,
    to_measure,
)
from diascope.pages.render import render

_HEADLINE = ("auc", "auc_macro", "balanced_accuracy", "accuracy", "average_precision_macro")
_SUBGROUP_METRICS = (*_HEADLINE, "sensitivity", "specificity", "ece")
_MAX_FAILED = 200
_BROAD = 1.8  # width by height: broader figures take the whole width of the page
_HALF = 440  # points: figures up to this width fit into half of the page
_HIGH = 620  # points: higher figures keep their own size, or their text would be too small


def evaluation_page(
    evaluation: Evaluation,
    figures: Path,
    *,
    title: str,
    about: Mapping[str, object],
    titles: Mapping[str, str],
) -> str:
    """Return the page.

    Args:
        figures: folder of the SVG files.
        about: facts about the model and the table, by name.
        titles: titles of labels.
    """
    scored, failed = evaluation.scored, list(evaluation.failed.items())
    count = len(set(scored.groups))
    return render(
        "evaluation.html",
        kind="evaluation",
        title=title,
        subtitle=" · ".join(
            [f"{plural(len(scored), 'item')} of {plural(count, 'group')}", *_measured(about)]
        ),
        grouped=count < len(scored),
        enough_groups=ENOUGH_GROUPS,
        warnings=evaluation.all_warnings,
        figures=_figures(evaluation),
        measures=overall_measures(evaluation.overall, ()),
        promised=scored.coverage,
        by_label=_by_label(evaluation, titles),
        drawings=[_drawing(each, figures, scored.task) for each in DRAWINGS],
        comparison=evaluation.comparison,
        differences=_differences(evaluation.comparison, titles),
        subgroups=_subgroups(evaluation),
        failed=failed[:_MAX_FAILED],
        unlisted=len(failed[_MAX_FAILED:]),
        about=about,
    )


def _measured(about: Mapping[str, object]) -> list[str]:
    """Return which rows of which table were measured, without the table's folder, if known."""
    if "table" not in about:
        return []
    rows = about["split"] if about.get("split") == "all rows" else f"split {about.get('split')}"
    return [f"{rows} of {PurePath(str(about['table'])).name}"]


def _figures(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """Return the four figures at the top of the page: name, value, and the text below it."""
    failed = plural(len(evaluation.failed), "item") + " without an answer"
    shown = [name for name in _HEADLINE if name in evaluation.metrics][:3]
    found = [to_measure(name, evaluation.metrics[name]) for name in shown]
    return [
        ("Items measured", f"{len(evaluation.scored):,}", failed),
        *((each.title, f"{each.value:.3f}", each.interval_text) for each in found),
    ]


def _by_label(evaluation: Evaluation, titles: Mapping[str, str]) -> MeasureTable:
    """Return the metrics of each label, without rows for a binary task."""
    scored, overall = evaluation.scored, evaluation.overall
    names = () if scored.task == "binary" else scored.names
    labels = [Label(name, title=titles.get(name, "")) for name in names]
    metrics = {name: found for name, found in evaluation.metrics.items() if name not in overall}
    return label_measures(metrics, labels, scored.counts())


def _drawing(drawing: Drawing, folder: Path, task: str) -> tuple[Drawing, str, bool, str]:
    """Return the drawing, its SVG, whether it takes the whole width, and its own CSS if large."""
    svg = inline_svg((folder / f"{drawing.name}.svg").read_text(encoding="utf-8"))
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    width, height = map(float, box.groups()) if box else (1.0, 1.0)
    own = f"min-width: {0.8 * width:.0f}px; max-width: {width:.0f}px" if height > _HIGH else ""
    broad = bool(own) or width > max(_BROAD * height, _HALF)
    return drawing, svg, broad or (drawing.name == "decision" and task != "binary"), own


def _differences(
    comparison: Comparison | None, titles: Mapping[str, str]
) -> list[tuple[str, Mapping[str, float]]]:
    """Return metric titles with ``difference, low, high``, and for labels also ``p``; without
    observed variance only ``difference``."""
    if comparison is None:
        return []
    whole = [(format_title(name), found) for name, found in comparison.metrics.items()]
    return whole + [
        (f"AUC, {titles.get(name) or name}", test.plain())
        for name, test in comparison.labels.items()
    ]


def _subgroups(evaluation: Evaluation) -> dict[str, MeasureTable]:
    """Return column to a table of its subgroups, below a row of all items."""
    shown = [name for name in _SUBGROUP_METRICS if name in evaluation.metrics]
    everyone = _row("All", len(evaluation.scored), evaluation.metrics, shown)
    rows: dict[str, list[MeasureRow]] = {}
    for part in evaluation.subgroups:
        row = _row(part.value, part.items, part.metrics, shown, part.warning)
        rows.setdefault(part.column, [everyone]).append(row)
    columns = tuple(map(format_title, shown))
    return {column: MeasureTable(columns, tuple(found)) for column, found in rows.items()}


def _row(
    title: str,
    count: int,
    metrics: Mapping[str, Mapping[str, float]],
    shown: Sequence[str],
    warning: str = "",
) -> MeasureRow:
    cells = (to_measure(name, metrics[name]) if name in metrics else None for name in shown)
    return MeasureRow(title, tuple(cells), count, warning)
