"""The model ``derm-lesion``: seven kinds of pigmented skin lesions."""

from dataclasses import dataclass
from pathlib import Path

from diascope.models.classifier import ClassifierModel

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class DermLesion(ClassifierModel):
    """Actinic keratosis, basal cell carcinoma, benign keratosis, dermatofibroma, melanoma, nevus,
    vascular lesion, in dermoscopy; the classes of HAM10000.

    Args:
        weights: a folder written by `pipeline train`; by default the package's own.
        aggregate, top_k, test_time: as for ``classifier``.
    """

    weights: Path = WEIGHTS
