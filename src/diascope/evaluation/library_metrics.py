"""Metric values by scikit-learn and torchmetrics."""

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats

CALIBRATION_BINS = 15
SPECIFICITY = 0.80
ROUNDING = 1e-9
_BELOW_1 = float(np.nextafter(1.0, 0.0))


class LibraryMetrics:
    """The ``Arithmetic`` of values: every item counts once.

    ``known`` is a mask over all items; the other arguments hold only the known ones.
    """

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, float]:
        """Return the metrics of one label against the rest, NaN where they are not defined."""
        from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

        (tn, fp), (fn, tp) = (0, 0), (0, 0)
        if truth.size:  # in a subgroup, a label may be unknown for all items
            (tn, fp), (fn, tp) = confusion_matrix(truth, decided, labels=[False, True]).tolist()
        both = truth.any() and not truth.all()
        return {
            "auc": float(roc_auc_score(truth, scores)) if both else np.nan,
            "average_precision": (
                float(average_precision_score(truth, scores)) if both else np.nan
            ),
            "sensitivity": _ratio(tp, tp + fn),
            "specificity": _ratio(tn, tn + fp),
            "ppv": _ratio(tp, tp + fp),
            "npv": _ratio(tn, tn + fn),
            "sensitivity_at_specificity_80": _best_sensitivity(truth, scores) if both else np.nan,
        }

    def mean(self, known: Booleans, values: Floats) -> float:
        return float(values.mean()) if values.size else np.nan

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> float:
        """Return the expected calibration error over 15 bins of equal width (Guo et al. 2017)."""
        import torch
        from torchmetrics.functional.classification import binary_calibration_error

        if not confidence.size:
            return np.nan
        error = binary_calibration_error(
            torch.from_numpy(np.minimum(confidence, _BELOW_1)),  # else 1 falls into a 16th bin
            torch.from_numpy(correct.astype(np.int64)),
            n_bins=CALIBRATION_BINS,
            norm="l1",
        )
        return float(error)


def bins_of(confidence: Floats) -> NDArray[np.intp]:
    """Return the bin of each score, 0 to 14, with the same edges as torchmetrics."""
    import torch

    edges = torch.linspace(0, 1, CALIBRATION_BINS + 1, dtype=torch.float64).numpy()
    return np.digitize(confidence, edges[1:-1])


def _best_sensitivity(truth: Booleans, scores: Floats) -> float:
    """Return the best sensitivity of any threshold with a specificity of at least 0.80."""
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    return float(tpr[fpr <= 1 - SPECIFICITY + ROUNDING].max())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else np.nan
