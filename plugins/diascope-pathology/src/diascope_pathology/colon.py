"""The model ``colon-tissue``: benign colon, or adenocarcinoma."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights" / "colon"


@dataclass(frozen=True)
class ColonTissue(ClassifierModel):
    """Benign tissue or adenocarcinoma of the colon, in H&E at about 0.65 um per pixel.

    Args:
        weights: a folder written by `pipeline train`; by default the package's own.
        aggregate, top_k, test_time: as for ``classifier``.
    """

    weights: Path = WEIGHTS
