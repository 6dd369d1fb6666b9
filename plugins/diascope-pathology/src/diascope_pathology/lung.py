"""The model ``lung-tissue``: benign lung, or one of two carcinomas."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights" / "lung"


@dataclass(frozen=True)
class LungTissue(ClassifierModel):
    """Benign tissue, adenocarcinoma or squamous cell carcinoma of the lung, in H&E at some 0.65 um
    a pixel.

    Args:
        weights: a folder that `pipeline train` wrote; the package's own if not given.
        aggregate, top_k, test_time: as of ``classifier``.
    """

    weights: Path = WEIGHTS
