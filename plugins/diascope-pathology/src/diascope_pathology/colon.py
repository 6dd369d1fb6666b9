"""The model ``colon-tissue``: benign colon, or adenocarcinoma."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights" / "colon"


@dataclass(frozen=True)
class ColonTissue(ClassifierModel):
    """Benign tissue or adenocarcinoma of the colon, in H&E at some 0.65 um a pixel.

    Args:
        weights: a folder that `pipeline train` wrote; the package's own if not given.
        aggregate, top_k, test_time: as of ``classifier``.
    """

    weights: Path = WEIGHTS
