"""Are the evidence maps any good? Measured, not hoped for.

Three questions: does the evidence lie where it should, does the answer follow it, and does it
depend on what the network learned?
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diascope.card import ModelCard
from diascope.decision import scores_from_logits
from diascope.errors import ReadError
from diascope.evaluation.bootstrap import group_weights, percentile_interval, to_figure
from diascope.evaluation.evidence_cases import Case, CaseBuilder
from diascope.evaluation.evidence_masks import localisation_metrics
from diascope.explain.deletion_insertion import measure_deletion_insertion
from diascope.explain.weight_randomisation import randomise_layers
from diascope.network import Network
from diascope.table import Example

HIDING_PICTURES = 200
"""Pictures whose parts are hidden and shown, drawn by lot: each takes some 30 looks."""

RANDOMISED_PICTURES = 50
"""Of these, pictures that networks with random weights look at."""

DEPTHS = {"head": 0.0, "quarter": 0.25, "half": 0.5, "three_quarters": 0.75, "all": 1.0}
"""How much of the backbone is random, from its end; the head always is."""

_SILENT = "no place of the map speaks for the label, so none can lie inside the mask"

_Cases = list[tuple[str, Mapping[str, float]]]
"""The group of each case, and its numbers by name; NaN is not defined."""


def measure_evidence(
    looking: CaseBuilder, examples: Sequence[Example], *, seed: int = 0, draws: int = 1000
) -> dict[str, Any]:
    """Measure the evidence for the true labels of a table's pictures.

    Args:
        seed: of all that is drawn by lot.
        draws: bootstraps of groups behind each 95 % interval.

    Returns:
        ``inside`` of the masks, by ``hiding`` and with ``randomised`` weights: each empty, or
        ``cases`` and ``figures``; ``left_out``, reason to count; and the ``seed``.
    """
    random = np.random.default_rng(seed)
    lot = random.permutation(len(examples)).tolist()
    hidden, forgotten = set(lot[:HIDING_PICTURES]), set(lot[:RANDOMISED_PICTURES])
    inside, curves, randomised, left_out = _Cases(), _Cases(), _Cases(), Counter[str]()
    classifier = looking.classifier
    copies: list[Network] = []
    for place, example in enumerate(examples):
        try:
            cases = list(looking.cases(example))
        except ReadError as error:
            left_out[str(error)] += 1
            continue
        for case in cases:
            if case.mask is not None:
                figures = localisation_metrics(case.map, case.mask)
                if np.isnan(figures["energy"]):
                    left_out[_SILENT] += 1
                else:
                    inside.append((case.group, figures))
            if place in hidden:
                told = _hiding(classifier.network, classifier.card, case, random)
                curves.append((case.group, told))
            if place in forgotten:
                shares = tuple(DEPTHS.values())
                copies = copies or list(
                    randomise_layers(classifier.network, case.batch, shares, seed)
                )
                randomised.append((case.group, _rank_correlations(copies, case)))
    return {
        "inside": _figures(inside, draws, seed),
        "hiding": _figures(curves, draws, seed),
        "randomised": _figures(randomised, draws, seed),
        "left_out": dict(left_out),
        "seed": seed,
    }


def _hiding(
    network: Network, card: ModelCard, case: Case, random: np.random.Generator
) -> dict[str, float]:
    def score(logits: Tensor) -> NDArray[np.float64]:
        return scores_from_logits(logits.cpu().numpy(), card)[:, case.column]

    found = measure_deletion_insertion(network, case.batch, case.map, score, random)
    return found._asdict() | {
        "deletion_gain": found.random - found.deletion,
        "insertion_gain": found.insertion - found.random,
    }


def _rank_correlations(copies: Sequence[Network], case: Case) -> dict[str, float]:
    """Return depth to the rank correlation of the map with that of the random weights."""
    import torch
    from scipy.stats import spearmanr

    found = {}
    for name, network in zip(DEPTHS, copies, strict=True):
        with torch.inference_mode():
            other = network.head.maps(network.backbone(case.batch))[0, case.output]
        ours, theirs = case.map.ravel(), other.cpu().numpy().ravel()
        flat = np.ptp(ours) == 0 or np.ptp(theirs) == 0
        found[name] = np.nan if flat else float(spearmanr(ours, theirs).statistic)
    return found


def _figures(found: _Cases, draws: int, seed: int) -> dict[str, Any]:
    """Return how many cases there are, and name to ``value, low, high`` of the mean."""
    if not found:
        return {}
    groups, numbers = zip(*found, strict=True)
    figures = {
        name: _mean(np.array([row[name] for row in numbers]), groups, draws, seed)
        for name in numbers[0]
    }
    return {"cases": len(found), "figures": figures}


def _mean(
    values: NDArray[np.float64], groups: Sequence[str], draws: int, seed: int
) -> dict[str, float] | None:
    """Return the mean of what is defined, and its interval over groups; None if nothing is."""
    known = ~np.isnan(values)
    if not known.any():
        return None
    defined = values[known]
    whose = [group for group, is_known in zip(groups, known, strict=True) if is_known]
    drawn = [part @ defined / part.sum(1) for part in group_weights(whose, draws=draws, seed=seed)]
    return to_figure(float(defined.mean()), percentile_interval(np.concatenate(drawn)))
