"""Write an evaluation: ``metrics.json``, ``evaluation.html`` and ``figures/``."""

import json
from collections.abc import Mapping
from pathlib import Path

from diascope.evaluation.evaluate import Evaluation
from diascope.evaluation.figures import draw_figures
from diascope.evaluation.page import evaluation_page
from diascope.output import write_atomically


def write_evaluation(
    evaluation: Evaluation,
    folder: Path,
    *,
    title: str = "Evaluation",
    facts: Mapping[str, object] | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the files into an existing folder and return their paths.

    Args:
        facts: about the model and the table, such as ``model`` and ``weights digest``; written at
            the top of ``metrics.json`` and at the bottom of the page.
        titles: titles of labels, for the page.
    """
    facts = facts or {}
    figures = draw_figures(evaluation.scored, folder / "figures")
    text = evaluation_page(
        evaluation, folder / "figures", title=title, about=facts, titles=titles or {}
    )
    files = [folder / "metrics.json", folder / "evaluation.html"]
    plain = {**facts, **evaluation.plain()}
    write_atomically(files[0], json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    write_atomically(files[1], text)
    return [*files, *figures]
