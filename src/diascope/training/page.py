"""The training page: learning curves, data, metrics and the worst mistakes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diascope.card import ModelCard
from diascope.display_text import plural
from diascope.evaluation.style import inline_svg
from diascope.explain.layer_table import LayerTable
from diascope.explain.page_layers import layer_table_view
from diascope.explain.pictures import jpeg_uri
from diascope.output import write_atomically
from diascope.pages.measures import format_title, label_measures, overall_measures
from diascope.pages.render import render
from diascope.training.curves import best_epoch, draw_curves
from diascope.training.filters import Filters
from diascope.training.mistakes import Mistake
from diascope.training.page_filters import filter_history
from diascope.training.recipe_file import FILE as RECIPE_FILE
from diascope.training.scoring import Figures

_PAGE_FILE = "training.html"
_ELSEWHERE = ("command", "date", "epochs")


def write_page(
    folder: Path,
    card: ModelCard,
    history: Sequence[Figures],
    mistakes: Sequence[Mistake],
    warnings: Sequence[str],
    *,
    monitor: str = "auc_macro",
    filters: Filters | None = None,
    layers: LayerTable | None = None,
) -> None:
    """Write ``training.html`` and its curves as ``learning-curves.png`` and ``.svg``.

    Args:
        card: of the trained model, with its metrics.
        history: for each epoch its number as ``epoch``, ``loss``, and any other metrics.
        mistakes: the worst first.
        warnings: about the table and the weights.
        monitor: the metric that chose the epoch whose weights were kept.
        filters: of the first layer, at some epochs.
        layers: of the network.
    """
    best = best_epoch(history, monitor)
    _, curves = draw_curves(history, best, folder)
    page = render(
        "training.html",
        kind="training",
        title=card.title or card.name,
        subtitle=" · ".join(filter(None, (card.name, str(card.made.get("date", ""))))),
        card=card,
        figures=_figures(card, history, best, monitor),
        warnings=warnings,
        curves=inline_svg(curves.read_text("utf-8")),
        watched=filter_history(filters) if filters is not None else None,
        layers=layer_table_view(layers, card) if layers else None,
        columns=list(dict.fromkeys(name for row in history for name in row)),
        history=history,
        best=best,
        measured_on=card.metrics.get("measured_on", ""),
        measures=overall_measures(card.metrics, card.labels),
        by_label=label_measures(card.metrics, card.labels),
        across=overall_measures(card.cross_validation, card.labels),
        mistakes=[(mistake, jpeg_uri(mistake.pixels)) for mistake in mistakes],
        trained=_training_facts(card, folder),
        provenance={
            **{name: fact for name, fact in card.made.items() if name not in _ELSEWHERE},
            "weights (SHA-256)": card.digest,
        },
    )
    write_atomically(folder / _PAGE_FILE, page)


def _figures(
    card: ModelCard, history: Sequence[Figures], best: int, monitor: str
) -> list[tuple[str, str, str]]:
    """Return name, value and caption of the up to four figures at the top."""
    kept, where = history[best - 1][monitor], "training" if monitor == "loss" else "validation"
    pictures = {split: card.data[split]["pictures"] for split in ("train", "validation", "test")}
    held_out = f"{pictures['validation']:,} to choose, {pictures['test']:,} to test"
    shown = [
        ("Epochs", f"{len(history)}", f"weights of epoch {best} are kept"),
        (f"Best in {where}", "none" if kept is None else f"{kept:.3f}", format_title(monitor)),
        ("Pictures trained on", f"{pictures['train']:,}", held_out),
    ]
    if measures := overall_measures(card.metrics, card.labels):
        first = measures[0]
        shown.append(("Held-out pictures", f"{first.value:.3f}", first.title))
    return shown


def _training_facts(card: ModelCard, folder: Path) -> Mapping[str, Any]:
    height, width = card.size
    place = "beside this page" if (folder / RECIPE_FILE).exists() else "of the whole training"
    return {
        "task": card.task,
        "input": f"{width} x {height} pixels, {plural(card.channels, 'channel')}",
        "network": card.backbone,
        "head": card.head,
        "scores": card.score_kind,
        "licence": card.licence,
        "command": card.made.get("command"),
        "options": f"in {RECIPE_FILE} {place}",
    }
