"""Measure how good the evidence maps are.

Three questions: does the evidence lie where it should, does the answer follow it, and does it
depend on what the network learned?
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diascope.classifier import Classifier
from diascope.decision import scores_from_logits
from diascope.errors import ReadError
from diascope.evaluation.bootstrap import bootstrap_interval, group_weights, to_figure
from diascope.evaluation.evidence_cases import Case, CaseBuilder
from diascope.evaluation.evidence_masks import localisation_metrics
from diascope.evaluation.group_counts import effective_groups
from diascope.explain.deletion_insertion import measure_deletion_insertion
from diascope.explain.weight_randomisation import randomise_layers
from diascope.mirror_images import mean_logits, mean_maps
from diascope.network import Network
from diascope.table import Example

_HIDING_PICTURES = 200
"""Randomly drawn pictures for deletion and insertion; each takes some 30 forward passes, or four
times as many with mirror images."""

_RANDOMISED_PICTURES = 50
"""Of these, pictures whose maps are compared with those of networks with shuffled weights."""

DEPTHS = {"head": 0.0, "quarter": 0.25, "half": 0.5, "three_quarters": 0.75, "all": 1.0}
"""Fraction of the backbone's layers that is shuffled, from its end; the head always is."""

_SILENT = "the map has no evidence for the label, so none can be inside the mask"

_Cases = list[tuple[str, Mapping[str, float]]]
"""The group of each case and its figures by name, NaN where they are not defined."""


def measure_evidence(
    builder: CaseBuilder,
    examples: Sequence[Example],
    *,
    seed: int = 0,
    draws: int = 1000,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Measure the evidence for the true labels of a table's pictures.

    Args:
        seed: of all random choices.
        draws: number of bootstrap draws of groups for each 95 % interval.
        watch: called before each picture with the number of pictures that are done, and of all.

    Returns:
        ``inside`` (the masks), ``hiding`` (deletion and insertion) and ``randomised`` (shuffled
        weights), each empty or with ``cases`` and ``figures``; ``left_out``, reason to count; and
        the ``seed``.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(examples)).tolist()
    for_hiding, for_randomised = set(order[:_HIDING_PICTURES]), set(order[:_RANDOMISED_PICTURES])
    inside, hiding, randomised, left_out = _Cases(), _Cases(), _Cases(), Counter[str]()
    classifier = builder.classifier
    copies: list[Network] = []
    for index, example in enumerate(examples):
        watch(index, len(examples))
        try:
            cases = list(builder.cases(example))
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
            if index in for_hiding:
                figures = _measure_hiding(classifier, case, random)
                hiding.append((case.group, figures))
            if index in for_randomised:
                depths = tuple(DEPTHS.values())
                copies = copies or list(
                    randomise_layers(classifier.network, case.batch, depths, seed)
                )
                figures = _rank_correlations(copies, case, classifier.flips)
                randomised.append((case.group, figures))
    return {
        "inside": _figures(inside, draws, seed),
        "hiding": _figures(hiding, draws, seed),
        "randomised": _figures(randomised, draws, seed),
        "left_out": dict(left_out),
        "seed": seed,
    }


def _measure_hiding(
    classifier: Classifier, case: Case, random: np.random.Generator
) -> dict[str, float]:
    def score(batch: Tensor) -> NDArray[np.float64]:
        logits = mean_logits(classifier.network, batch, flips=classifier.flips)
        return scores_from_logits(logits.cpu().numpy(), classifier.card)[:, case.column]

    found = measure_deletion_insertion(case.batch, case.map, score, random)
    return found._asdict() | {
        "deletion_gain": found.random - found.deletion,
        "insertion_gain": found.insertion - found.random,
    }


def _rank_correlations(copies: Sequence[Network], case: Case, flips: bool) -> dict[str, float]:
    """Return depth to the map's rank correlation with that of the shuffled network."""
    import torch
    from scipy.stats import spearmanr

    found = {}
    for name, network in zip(DEPTHS, copies, strict=True):
        with torch.inference_mode():
            other = mean_maps(network, case.batch, flips=flips)[0, case.output]
        own, shuffled = case.map.ravel(), other.cpu().numpy().ravel()
        constant = np.ptp(own) == 0 or np.ptp(shuffled) == 0
        found[name] = np.nan if constant else float(spearmanr(own, shuffled).statistic)
    return found


def _figures(cases: _Cases, draws: int, seed: int) -> dict[str, Any]:
    """Return the number of cases, and name to ``value, low, high`` of the mean over them."""
    if not cases:
        return {}
    groups, rows = zip(*cases, strict=True)
    figures = {
        name: _mean(np.array([row[name] for row in rows]), groups, draws, seed, _ends(name))
        for name in rows[0]
    }
    return {"cases": len(cases), "figures": figures}


def _ends(name: str) -> tuple[float, float]:
    """Return the ends of a figure, which is a difference, a correlation or a fraction."""
    return (-1, 1) if name.endswith("_gain") or name in DEPTHS else (0, 1)


def _mean(
    values: NDArray[np.float64],
    groups: Sequence[str],
    draws: int,
    seed: int,
    ends: tuple[float, float],
) -> dict[str, float] | None:
    """Return the mean of the defined values and its interval over groups; None without any."""
    defined = ~np.isnan(values)
    if not defined.any():
        return None
    values, groups = values[defined], np.array(groups)[defined].tolist()
    parts = group_weights(groups, draws=draws, seed=seed)
    drawn = np.concatenate([part @ values / part.sum(axis=1) for part in parts])
    value, count = float(values.mean()), effective_groups(np.array(groups))
    return to_figure(value, bootstrap_interval(value, drawn, count, ends=ends))
