"""Run a recipe on the pictures of a table."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from diascope.evaluation.answers import Answers, match_answers
from diascope.evaluation.labelled_rows import uri_of
from diascope.ledger import Ledger
from diascope.output import LEDGER_FILE, lock_folder, write_table
from diascope.pipeline import Pipeline
from diascope.runner import Outcome, ProgressCallback, RunRequest, run
from diascope.table import Example

_LIST = "items.csv"


def classify_rows(
    pipeline: Pipeline,
    examples: Sequence[Example],
    folder: Path,
    watch: ProgressCallback,
    command: str,
) -> Outcome:
    """Run the pipeline on the pictures; the same call resumes a run that stopped."""
    with lock_folder(folder) as output:
        write_table(output / _LIST, [["path"], *([uri_of(example)] for example in examples)])
    request = RunRequest(inputs=(), output=folder, lists=[folder / _LIST], command=command)
    return run(pipeline, request, watch)


def read_answers(pipeline: Pipeline, examples: Sequence[Example], folder: Path) -> Answers:
    """Return the answers that ``classify_rows`` left in a folder.

    Raises:
        UsageError: see ``match_answers``.
    """
    with closing(Ledger(folder / LEDGER_FILE, pipeline.digest())) as ledger:
        records = {record.item.uri: record for record in ledger.records()}
    return match_answers(pipeline, examples, records)
