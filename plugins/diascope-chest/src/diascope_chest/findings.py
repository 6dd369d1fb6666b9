"""The model ``chest-findings``: six findings of a frontal chest radiograph."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class ChestFindings(ClassifierModel):
    """Pneumonia, infiltration, atelectasis, effusion, edema and no finding, each on its own.

    Args:
        weights: a folder that `pipeline train` wrote; the package's own if not given.
        aggregate, top_k, test_time: as of ``classifier``.
    """

    weights: Path = WEIGHTS
