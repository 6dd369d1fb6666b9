"""Read and preprocess items.

Each call to a plugin is wrapped separately: an exception becomes a Failed record.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from diascope.acceptance import AcceptanceRule
from diascope.archives import archive_hint
from diascope.contract_checks import pixel_fault, sample_fault
from diascope.contracts import Prepared, Reader, Resumed, Step
from diascope.errors import ENDS, NoPictureError, RecipeError, reason_of
from diascope.fingerprints import path_digest
from diascope.partial_results import PartialResults
from diascope.plugins import Plugin, failure_reason
from diascope.sample import Failed, Item, Sample, Skipped
from diascope.timing import StageTimer, time_each

_HEAD_BYTES = 4096
_WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype html|html)\b", re.I | re.S)
T = TypeVar("T")


@dataclass(frozen=True)
class Part(Generic[T]):
    """An instance of a plugin, and the plugin that it came from.

    Attributes:
        files: the files that its parameters in the recipe name, also inside other values.
    """

    plugin: Plugin
    instance: T
    files: tuple[Path, ...] = ()


def file_digests(parts: Iterable[Part[Any]]) -> list[list[tuple[str, str]]]:
    """Return names and digests of the files of those plugins that name any.

    Raises:
        RecipeError: for a file that cannot be read.
    """
    try:
        return [
            [(path.name, path_digest(path)) for path in part.files] for part in parts if part.files
        ]
    except OSError as error:
        message = f"{error.filename} cannot be read: {error.strerror}"
        raise RecipeError(message) from error


@dataclass(frozen=True)
class Preparation:
    """The readers and steps of a recipe; picklable.

    Attributes:
        readers: the reader that the recipe names, or all of them; the most certain one is used.
        block: the number of samples yielded together.
        acceptance: which pictures the recipe accepts.
        partial_results: saved predictions of items that are read in regions; None for none.
        broken_readers: the titles of readers that ``read: auto`` leaves out because they are
            broken. An item that no other reader knows fails, since one of them may know it.
    """

    readers: tuple[Part[Reader], ...]
    steps: tuple[Part[Step], ...]
    block: int
    acceptance: AcceptanceRule = field(default_factory=AcceptanceRule)
    partial_results: PartialResults | None = None
    broken_readers: tuple[str, ...] = ()

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield blocks of samples, or the item's record. Never raises because of the item."""
        with StageTimer("read"):
            reader = self._find_reader(item)
            done = 0 if isinstance(reader, Skipped | Failed) else self._count_done(item, reader)
        if isinstance(reader, Skipped | Failed):
            yield reader
            return
        if done:
            yield Resumed(done)
        yield from self._blocks(item, reader, done)

    def prepare_all(self, item: Item) -> Iterator[Sequence[Sample] | Failed | Skipped]:
        """Prepare a whole item, even if predictions of its regions are saved."""
        for prepared in replace(self, partial_results=None).prepare(item):
            assert not isinstance(prepared, Resumed)
            yield prepared

    def _find_reader(self, item: Item) -> Part[Reader] | Skipped | Failed:
        try:
            with item.open() as file:
                head = file.read(_HEAD_BYTES)
        except Exception as error:  # a file system may raise anything
            return Failed(item, "read", "", f"it cannot be opened: {reason_of(error)}")
        return self._choose_reader(item, head) if head else Skipped(item, "the file is empty")

    def _count_done(self, item: Item, reader: Part[Reader]) -> int:
        if self.partial_results is None or not hasattr(reader.instance, "read_from"):
            return 0
        return self.partial_results.count(item)

    def _choose_reader(self, item: Item, head: bytes) -> Part[Reader] | Skipped | Failed:
        highest, chosen = 0, None
        failure: Failed | None = None
        for part in self.readers:
            try:
                certainty = int(part.instance.sniff(item.uri, head))
            except ENDS:
                raise
            except BaseException as error:  # a plugin may raise anything
                reason = f"sniff: {failure_reason(part.plugin, error, item)}"
                failure = Failed(item, "read", part.plugin.name, reason)
                continue
            if certainty > highest:
                highest, chosen = certainty, part
        if chosen is not None:
            return chosen
        if failure is not None:
            return failure
        names = ", ".join(part.plugin.name for part in self.readers)
        hint = archive_hint(item.uri, head) or _web_page_hint(item.uri, head)
        if self.broken_readers and not hint:
            reason = f"the readers that work do not know it ({names})"
            broken = ", ".join(self.broken_readers)
            return Failed(item, "read", "", f"{reason}; one that is broken may: {broken}")
        reason = f"not a picture that the installed readers know ({names})"
        return Skipped(item, f"{reason}; {hint}" if hint else reason)

    def _blocks(self, item: Item, reader: Part[Reader], done: int) -> Iterator[Prepared]:
        block: list[Sample] = []
        found = done
        for outcome in time_each("read", _read_samples(item, reader, done)):
            with StageTimer("preprocess"):
                ready = self._preprocess(outcome) if isinstance(outcome, Sample) else outcome
            if isinstance(ready, Failed | Skipped):
                yield ready
                return
            found += 1
            block.append(ready)
            if len(block) == self.block:
                yield block
                block = []
        if block:
            yield block
        if not found:
            yield Failed(item, "read", reader.plugin.name, "the reader found no picture in it")

    def _preprocess(self, sample: Sample) -> Sample | Failed | Skipped:
        if objection := self.acceptance.rejection_reason(sample.facts):
            return Skipped(sample.item, objection)
        for step in self.steps:
            outcome = apply_step(step, sample)
            if isinstance(outcome, Failed):
                return outcome
            sample = outcome
        if fault := pixel_fault(sample):
            if not self.steps:
                return Failed(sample.item, "read", "", fault)
            return Failed(sample.item, "preprocess", self.steps[-1].plugin.name, fault)
        return sample


def apply_step(step: Part[Step], sample: Sample) -> Sample | Failed:
    """Return a sample after a step, with the item, frame and facts that it had before."""
    try:
        changed = step.instance(sample)
    except ENDS:
        raise
    except BaseException as error:  # a plugin may raise anything
        reason = failure_reason(step.plugin, error, sample.item)
        return Failed(sample.item, "preprocess", step.plugin.name, reason)
    if fault := sample_fault(changed):
        return Failed(sample.item, "preprocess", step.plugin.name, fault)
    return changed.placed_as(sample)


def _web_page_hint(uri: str, head: bytes) -> str:
    if not uri.startswith(("http://", "https://")) or not _WEB_PAGE.match(head):
        return ""
    return "the server sent a web page; if this is the address of a folder, end it with /"


def _read_samples(
    item: Item, reader: Part[Reader], start: int
) -> Iterator[Sample | Failed | Skipped]:
    instance: Any = reader.instance
    last = start - 1
    try:
        for sample in instance.read_from(item, start) if start else instance.read(item):
            fault = sample_fault(sample)
            if not fault and sample.frame <= last:
                fault = f"expected frames that ascend, got {sample.frame} after {last}"
            if fault:
                yield Failed(item, "read", reader.plugin.name, fault)
                return
            last = sample.frame
            if sample.item != item:
                raise TypeError(f"expected a Sample of {item.id}, got one of {sample.item.id}")
            yield sample
    except NoPictureError as error:
        yield Skipped(item, reason_of(error))
    except ENDS:
        raise
    except BaseException as error:  # a plugin may raise anything
        yield Failed(item, "read", reader.plugin.name, failure_reason(reader.plugin, error, item))
