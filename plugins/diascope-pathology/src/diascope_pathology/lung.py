"""The model ``lung-tissue``: benign lung, or one of two carcinomas."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights" / "lung"


@dataclass(frozen=True)
class LungTissue(ClassifierModel):
    """Benign tissue, adenocarcinoma or squamous cell carcinoma of the lung, in H&E at about 0.65 um
    per pixel.

    Args:
        weights: a folder written by `pipeline train`; by default the package's own.
        aggregate, top_k, test_time: as for ``classifier``.
    """

    weights: Path = WEIGHTS
