"""Progress for people: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from diascope.training.loop import Progress
    from diascope.training.scoring import Figures

_PLAIN_SECONDS = 10.0


@contextmanager
def training_progress(*, quiet: bool) -> "Iterator[Callable[[Progress], None]]":
    """Yield a function that shows how far a training is."""
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar("{task.description}") as bar:
            task = bar.add_task("reading the pictures", total=None)

            def show(progress: "Progress") -> None:
                done = (progress.epoch - 1) * progress.steps + progress.step
                text = f"epoch {progress.epoch}/{progress.epochs}  loss {progress.loss:.3f}"
                bar.update(
                    task, completed=done, total=progress.epochs * progress.steps, description=text
                )
                if progress.figures is not None:
                    bar.console.print(f"{text}  {_format_figures(progress.figures)}")

            yield show
    else:
        yield _plain_training_progress()


@contextmanager
def run_progress(*, quiet: bool) -> Iterator[Callable[[dict[str, int], int], None]]:
    """Yield a function that shows how far a run is, from its counts."""
    if quiet:
        yield lambda counts, worked: None
    elif sys.stderr.isatty():
        with _bar("classifying", "{task.fields[ends]}") as bar:
            task, rated = bar.add_task("", total=None, ends="loading"), _rate_counter()

            def show(counts: dict[str, int], worked: int) -> None:
                rate = rated(worked)
                ends = (
                    f"{rate:.1f} items/s  {_format_counts(counts)}"
                    if rate
                    else _format_counts(counts)
                )
                bar.update(task, completed=worked, total=worked + counts["pending"], ends=ends)

            yield show
    else:
        yield _plain_run_progress()


def _plain_run_progress() -> Callable[[dict[str, int], int], None]:
    last, rated = time.monotonic(), _rate_counter()

    def show(counts: dict[str, int], worked: int) -> None:
        nonlocal last
        now, rate = time.monotonic(), rated(worked)
        if now - last < _PLAIN_SECONDS and (counts["pending"] or not worked):
            return
        last = now
        told = f"{worked} of {worked + counts['pending']}"
        if rate:
            told += f", {rate:.1f} items/s, {counts['pending'] / rate:.0f} s left"
        click.echo(f"{told} (in all {_format_counts(counts)})", err=True)

    return show


def _rate_counter() -> Callable[[int], float]:
    """Return a function from items worked to items a second since it was first called."""
    start = math.inf

    def rate(worked: int) -> float:
        nonlocal start
        now = time.monotonic()
        start = min(start, now)
        return worked / max(now - start, 1e-9)

    return rate


def _format_counts(counts: dict[str, int]) -> str:
    return f"{counts['ok']} ok, {counts['failed']} failed, {counts['skipped']} skipped"


def _plain_training_progress() -> "Callable[[Progress], None]":
    start = last = 0.0
    first = before = math.inf

    def show(progress: "Progress") -> None:
        nonlocal start, last, first, before
        done = (progress.epoch - 1) * progress.steps + progress.step
        now = time.monotonic()
        if done < before:  # a training begins, or the next fold's; pictures were inspected before
            start, last, first = now, now, done
        before = done
        if progress.figures is None and now - last < _PLAIN_SECONDS:
            return
        last = now
        left = (now - start) / max(done - first, 1) * (progress.epochs * progress.steps - done)
        text = f"epoch {progress.epoch}/{progress.epochs} step {progress.step}/{progress.steps}"
        end = f"{left / 60:.0f} min left"
        if progress.figures is not None:
            end = f"{_format_figures(progress.figures)}, {end}"
        click.echo(f"{text} loss {progress.loss:.3f}, {end}", err=True)

    return show


def _format_figures(figures: "Figures") -> str:
    """Return what validation measured, as text."""
    own = ("epoch", "loss", "learning_rate")
    told = (
        f"{name.removeprefix('validation_').replace('_', ' ')} {value:.4f}"
        for name, value in figures.items()
        if name not in own and value is not None
    )
    return f"validation {', '.join(told)}"


def _bar(*texts: str) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    first, *rest = (TextColumn(text) for text in texts)
    columns = (first, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), *rest)
    return Progress(*columns, console=Console(stderr=True))
