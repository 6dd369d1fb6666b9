"""``evaluation.html``: the whole evaluation on one page, in one file that needs no network."""

from collections.abc import Mapping
from html import escape
from importlib import resources
from pathlib import Path

from diascope.evaluation.evaluate import Evaluation
from diascope.evaluation.figures import DRAWINGS, Drawing
from diascope.evaluation.markup import (
    counted,
    element,
    facts,
    name_cell,
    note,
    number_cell,
    panel,
    section,
    table,
    texts,
    whisker,
)
from diascope.evaluation.metrics import LABEL_METRICS
from diascope.evaluation.style import inline

WORDS = {
    "auc": "AUC",
    "auc_macro": "AUC, mean over labels",
    "average_precision_macro": "Average precision, mean over labels",
    "sensitivity_at_specificity_80": "Sensitivity at specificity 0.80",
    "ppv": "PPV",
    "npv": "NPV",
    "brier": "Brier score",
    "ece": "Expected calibration error",
    "set_coverage": "Sets that hold the truth",
    "set_size": "Labels in a set",
}
_HEADLINE = ("auc", "auc_macro", "balanced_accuracy", "accuracy", "average_precision_macro")
_OF_SUBGROUPS = (*_HEADLINE, "sensitivity", "specificity", "ece")
_FAILED_SHOWN = 200


def page(
    evaluation: Evaluation,
    figures: Path,
    *,
    title: str,
    about: Mapping[str, object],
    titles: Mapping[str, str],
) -> str:
    """Return the page.

    Args:
        figures: the folder in which the SVG files lie.
        about: facts of the model and the table, by name.
        titles: plain names of labels.
    """
    scored = evaluation.scored
    groups = counted(len(set(scored.groups)), "group")
    sections = (
        _warnings(evaluation),
        _headline(evaluation),
        _overall(evaluation),
        _labels(evaluation, titles),
        section("Figures", element("div", *_figures(figures, scored.task), class_="columns")),
        _comparison(evaluation, titles),
        _subgroups(evaluation),
        _failed(evaluation),
        section("How this was made", panel(facts(about))),
    )
    filled = {
        "title": escape(title),
        "style": _asset("page.css"),
        "about": escape(f"{counted(len(scored), 'item')} of {groups}"),
        "sections": "\n".join(filter(None, sections)),
    }
    text = _asset("page.html")
    for name, part in filled.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    return text


def metric_words(name: str) -> str:
    """Return a metric's name as people write it."""
    words = name.replace("_", " ")
    return WORDS.get(name, words[:1].upper() + words[1:])


def _warnings(evaluation: Evaluation) -> str:
    if not evaluation.warnings:
        return ""
    title = counted(len(evaluation.warnings), "warning")
    lines = (element("li", text=warning) for warning in evaluation.warnings)
    return element("section", element("h2", text=title), element("ul", *lines), class_="warnings")


def _headline(evaluation: Evaluation) -> str:
    failed = counted(len(evaluation.failed), "item") + " without an answer"
    cells = [("Items measured", f"{len(evaluation.scored):,}", failed)]
    shown = [name for name in _HEADLINE if name in evaluation.metrics][:3]
    cells += [(metric_words(name), *texts(evaluation.metrics[name])) for name in shown]
    parts = (_headline_cell(*cell) for cell in cells)
    return element("section", element("dl", *parts, class_="headline"))


def _headline_cell(name: str, number: str, below: str) -> str:
    return element(
        "div",
        element("dt", text=name),
        element("dd", text=number, class_="number"),
        element("dd", text=below, class_="interval"),
    )


def _overall(evaluation: Evaluation) -> str:
    rows = []
    for name, number in evaluation.overall.items():
        value, interval = texts(number)
        cells = (element("td", text=value), element("td", text=interval, class_="interval"))
        bar = element("td", whisker(number), class_="bar")
        rows.append((name_cell(metric_words(name)), *cells, bar))
    body = table(("Measure", "Value", "95 % interval", "0 to 1"), rows)
    how = "Intervals: bootstrap over groups, so that pictures of one person count together."
    return section("As a whole", panel(body, note(how)))


def _labels(evaluation: Evaluation, titles: Mapping[str, str]) -> str:
    if evaluation.scored.task == "binary":
        return ""
    counts = evaluation.scored.counts()
    rows = [
        (
            name_cell(titles.get(name) or name),
            element("td", text=f"{counts[name]:,}"),
            *(number_cell(evaluation.metrics.get(f"{metric}_{name}")) for metric in LABEL_METRICS),
        )
        for name in evaluation.scored.names
    ]
    head = ("Label", "Items", *map(metric_words, LABEL_METRICS))
    return section("Label by label", panel(table(head, rows)))


def _figures(folder: Path, task: str) -> list[str]:
    return [_figure(drawing, folder, wide=_is_wide(drawing, task)) for drawing in DRAWINGS]


def _is_wide(drawing: Drawing, task: str) -> bool:
    return drawing.name == "decision" and task != "binary"


def _figure(drawing: Drawing, folder: Path, *, wide: bool) -> str:
    svg = inline((folder / f"{drawing.name}.svg").read_text(encoding="utf-8"))
    named = svg.replace("<svg", f'<svg role="img" aria-label="{escape(drawing.title)}"', 1)
    caption = element("figcaption", text=drawing.caption)
    kind = "panel wide" if wide else "panel"
    return element("figure", element("h3", text=drawing.title), named, caption, class_=kind)


def _comparison(evaluation: Evaluation, titles: Mapping[str, str]) -> str:
    comparison = evaluation.comparison
    if comparison is None:
        return ""
    rows = [
        _difference(metric_words(name), found["difference"], found["low"], found["high"], "")
        for name, found in comparison.metrics.items()
    ]
    rows += [
        _difference(f"AUC, {titles.get(name) or name}", *test[:3], f"{test.p:.2g}")
        for name, test in comparison.labels.items()
    ]
    body = table(("Measure", "Difference", "95 % interval", "p"), rows)
    how = (
        f"On the {counted(comparison.items, 'item')} that both answered; above 0, this model is "
        "better. p by DeLong's test, not corrected for the number of labels; the other intervals "
        "by bootstrap over groups."
    )
    return section(f"Compared with {comparison.title}", panel(body, note(how)))


def _difference(name: str, value: float, low: float, high: float, p: str) -> tuple[str, ...]:
    interval = f"{low:+.3f} to {high:+.3f}"
    cells = (f"{value:+.3f}", interval, p)
    return name_cell(name), *(element("td", text=cell) for cell in cells)


def _subgroups(evaluation: Evaluation) -> str:
    columns = dict.fromkeys(part.column for part in evaluation.subgroups)
    shown = [name for name in _OF_SUBGROUPS if name in evaluation.metrics]
    panels = []
    for column in columns:
        rows = [
            (
                name_cell(part.value),
                element("td", text=f"{part.items:,}"),
                *(number_cell(part.metrics.get(name)) for name in shown),
                element("td", text=part.warning, class_="note"),
            )
            for part in evaluation.subgroups
            if part.column == column
        ]
        head = (column, "Items", *map(metric_words, shown), "Read with care")
        panels.append(panel(table(head, rows, caption=f"By {column}")))
    return section("Subgroups", *panels) if panels else ""


def _failed(evaluation: Evaluation) -> str:
    if not evaluation.failed:
        return ""
    pairs = list(evaluation.failed.items())
    rows = [(name_cell(item), element("td", text=why)) for item, why in pairs[:_FAILED_SHOWN]]
    body = table(("Item", "Reason"), rows)
    left = len(pairs) - len(rows)
    more = note(f"And {left:,} more in metrics.json.") if left else ""
    return section("Without an answer", panel(body, more))


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text("utf-8")
