"""The html report: a whole run on one page, as one file that works offline.

``html_assets/`` has the page with its styles and scripts. This module writes the data as JSON
blocks; the scripts insert it as text nodes, so that no item's name can become markup.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, ClassVar, TextIO

from annotated_types import Ge

from diascope.pages.formatting import decision_rule_text, describe_coverage
from diascope.pages.heat import ramp_css
from diascope.pages.measures import METRICS
from diascope.pages.render import csp_hash, fill_placeholders, json_block, json_text, read_asset
from diascope.reports.html_pictures import PictureEncoder
from diascope.reports.html_record import index_entry, record_data
from diascope.sample import Prediction, Record, state_of

_SCRIPTS = ("text.js", "summary.js", "evidence.js", "whole.js", "card.js", "gallery.js", "page.js")
_BLOCK = 200  # items per JSON block; the page parses one block at a time


@dataclass(frozen=True)
class HtmlReport:
    """A self-contained page: summary, searchable gallery with evidence maps, and failures.

    Args:
        file: name of the page within the output folder.
        items: the maximum number of items in the gallery; the figures always count all items.
        megabytes: approximate maximum size of the page; pictures are reduced to fit, from 320 down
            to 32 pixels.
    """

    file: str = "report.html"
    items: Annotated[int, Ge(1)] = 20_000
    megabytes: Annotated[int, Ge(1)] = 60
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if Path(self.file).name != self.file:
            raise ValueError(f"file must be a plain file name, got {self.file!r}")

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        """Write the page, with one record in memory at a time, and return its path."""
        path = directory / self.file
        head, tail = _page().split("{{data}}")
        found = int((run.get("counts") or {}).get("found") or self.items)
        pictures = PictureEncoder.for_item(self.megabytes * 1e6 / min(max(found, 1), self.items))
        totals = _Totals()
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(head)
            file.write(json_block('id="run"', dict(run)))
            counted = totals.count(records)
            card = run.get("card") or {}
            file.write(json_block('id="notes"', _notes(run, card)))
            multilabel = card.get("task") == "multilabel"
            _write_items(file, islice(counted, self.items), pictures, multilabel)
            deque(counted, maxlen=0)
            file.write(json_block('id="totals"', vars(totals)))
            file.write(tail)
        return [path]


@dataclass
class _Totals:
    """The counts of a run.

    Attributes:
        states: items by state.
        labels: predictions by label.
        without: predictions without a label.
        unlike: predictions for items unlike the training pictures.
        warned: predictions with any warning.
        prepared: predictions with a picture that is shown as the network saw it.
    """

    states: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    without: int = 0
    unlike: int = 0
    warned: int = 0
    prepared: int = 0

    def count(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records, and count them as they pass."""
        for record in records:
            self.states[state_of(record)] += 1
            if isinstance(record, Prediction):
                self.labels.update(record.predicted)
                self.without += not record.predicted
                self.unlike += bool(record.out_of_distribution)
                self.warned += bool(record.warnings)
                self.prepared += record.preview is not None and record.overview is None
            yield record


def _notes(run: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a label is decided, the coverage of the run's prediction sets, and whether the
    card's figures of such sets were measured at this coverage."""
    points = [label.get("operating_point") for label in card.get("labels", ())]
    coverage = ((run.get("recipe") or {}).get("run") or {}).get("coverage")
    measured_on = str((card.get("metrics") or {}).get("measured_on", ""))
    return {
        "compared": decision_rule_text(card.get("task", ""), points),
        "coverage": coverage,
        "sets_measured": coverage is not None and describe_coverage(coverage) in measured_on,
    }


def _write_items(
    file: TextIO, records: Iterator[Record], pictures: PictureEncoder, multilabel: bool
) -> None:
    """Write blocks of items, each followed by an index with what sorting and filtering need."""
    for first in records:
        index: list[list[Any]] = []
        file.write('<script type="application/json" class="records">[\n')
        for record in chain((first,), islice(records, _BLOCK - 1)):
            file.write((",\n" if index else "") + json_text(record_data(record, pictures)))
            index.append(index_entry(record, multilabel))
        file.write("\n]</script>\n")
        file.write(json_block('class="index"', index))


def _page() -> str:
    """Return the page with its styles, scripts, and a policy that allows nothing else."""
    style = read_asset("tokens.css") + ramp_css() + read_asset("common.css") + _asset("page.css")
    script = f"const METRICS = {json_text(METRICS)};\n" + "".join(map(_asset, _SCRIPTS))
    policy = (
        f"default-src 'none'; img-src data:; style-src {csp_hash(style)}; "
        f"script-src {csp_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    return fill_placeholders(_asset("page.html"), policy=policy, style=style, script=script)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("html_assets", name).read_text("utf-8")
