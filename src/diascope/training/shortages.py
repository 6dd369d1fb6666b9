"""What a model cannot have because its training has too few validation pictures."""

from collections.abc import Sequence

import numpy as np

from diascope.training.calibrate import MIN_GROUPS, calibration_shortage
from diascope.training.conformal import fewest_groups
from diascope.training.novelty import MIN_PICTURES
from diascope.training.plan import Plan

_COVERAGE = 0.9


def find_shortages(plan: Plan) -> list[str]:
    """Return a sentence, without full stop, for calibration, prediction sets and novelty limit."""
    task, pictures = plan.options.task, plan.split("validation")
    targets = np.array([example.vector(plan.names, task) for example in pictures])
    outputs = plan.names[-targets.shape[1] :]
    found = []
    groups = len({example.group for example in pictures})
    lack = calibration_shortage(targets, outputs, task)
    if groups < MIN_GROUPS:
        lack = f"{groups} groups of validation pictures, {MIN_GROUPS} are needed"
    if lack:
        found.append(f"scores are not calibrated ({lack})")
    has, sets = f"{groups} groups of validation pictures", fewest_groups(_COVERAGE)
    if task != "multilabel" and groups < sets:
        found.append(f"no prediction sets of coverage {_COVERAGE} ({has}, {sets} are needed)")
    has = f"{len(pictures)} validation pictures"
    if not plan.options.uses_whole_items and len(pictures) < MIN_PICTURES:  # those: by regions
        found.append(f"no novelty limit ({has}, {MIN_PICTURES} are needed)")
    return found


def shortage_warnings(shortages: Sequence[str]) -> list[str]:
    """Return one warning about all shortages, and what to do; empty without any."""
    remedy = "raise `validation`, or give more rows that split"
    return [f"{'; '.join(shortages)}: {remedy}"] if shortages else []
