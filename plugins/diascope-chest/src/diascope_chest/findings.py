"""The model ``chest-findings``: six findings of a frontal chest radiograph."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class ChestFindings(ClassifierModel):
    """Pneumonia, infiltration, atelectasis, effusion, edema and no finding, each scored separately.

    Args:
        weights: a folder written by `pipeline train`; by default the package's own.
        aggregate, top_k, test_time: as for ``classifier``.
    """

    weights: Path = WEIGHTS
