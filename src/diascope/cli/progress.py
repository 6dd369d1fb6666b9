"""Progress display: a bar on a terminal, plain lines elsewhere, nothing if quiet."""

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
    """Yield a function that shows the progress of a training."""
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
    """Yield a function that shows the progress of a run from its counts."""
    if quiet:
        yield lambda counts, done: None
    elif sys.stderr.isatty():
        with _bar("classifying", "{task.fields[status]}") as bar:
            task, rate_of = bar.add_task("", total=None, status="loading"), _rate_counter()

            def show(counts: dict[str, int], done: int) -> None:
                rate, status = rate_of(done), _format_counts(counts)
                if rate:
                    status = f"{rate:.1f} items/s  {status}"
                bar.update(task, completed=done, total=done + counts["pending"], status=status)

            yield show
    else:
        yield _plain_run_progress()


@contextmanager
def evidence_progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows of how many pictures the evidence is measured, and of all."""
    if quiet:
        yield lambda done, total: None
    elif sys.stderr.isatty():
        with _bar("measuring the evidence maps") as bar:
            task = bar.add_task("", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        yield _plain_evidence_progress()


def _plain_evidence_progress() -> Callable[[int, int], None]:
    last, rate_of = time.monotonic(), _rate_counter()

    def show(done: int, total: int) -> None:
        nonlocal last
        now, rate = time.monotonic(), rate_of(done)
        if now - last < _PLAIN_SECONDS or not rate:
            return
        last = now
        left = f"{(total - done) / rate:.0f} s left"
        click.echo(f"evidence of {done} of {total} pictures measured, {left}", err=True)

    return show


def _plain_run_progress() -> Callable[[dict[str, int], int], None]:
    last, rate_of = time.monotonic(), _rate_counter()

    def show(counts: dict[str, int], done: int) -> None:
        nonlocal last
        now, rate = time.monotonic(), rate_of(done)
        if now - last < _PLAIN_SECONDS and (counts["pending"] or not done):
            return
        last = now
        line = f"{done} of {done + counts['pending']}"
        if rate:
            line += f", {rate:.1f} items/s, {counts['pending'] / rate:.0f} s left"
        click.echo(f"{line} (in all {_format_counts(counts)})", err=True)

    return show


def _rate_counter() -> Callable[[int], float]:
    """Return a function from completed items to items per second since its first call."""
    start = math.inf

    def rate(done: int) -> float:
        nonlocal start
        now = time.monotonic()
        start = min(start, now)
        return done / max(now - start, 1e-9)

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
        if done < before:  # a training or a fold begins; the time before was spent on reading
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
    """Return the validation metrics as text."""
    own = ("epoch", "loss", "learning_rate")
    metrics = (
        f"{name.removeprefix('validation_').replace('_', ' ')} {value:.4f}"
        for name, value in figures.items()
        if name not in own and value is not None
    )
    return f"validation {', '.join(metrics)}"


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
