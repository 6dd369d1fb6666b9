"""Coverage of the 95 % intervals of `pipeline evaluate`, on simulated tables.

    python benchmarks/coverage.py [--tables 200]

Draws tables from a model whose true metrics are estimated on a million items, evaluates each as
`evaluate` does, and counts how often the intervals contain the truth. Then checks the p-values of
DeLong's test, and the prediction sets and operating points of 0.9 chosen on validation.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from diascope.decision import softmax
from diascope.evaluation.delong import delong
from diascope.evaluation.labelled_scores import Floats, LabelledScores
from diascope.evaluation.metrics import compute_metrics, estimate_metrics
from diascope.evaluation.weighted_metrics import WeightedMetrics
from diascope.training.conformal import fit_conformal
from diascope.training.operating_points import Rule

Places = NDArray[np.intp]
MANY = 1_000_000
COMMON = 0.9
"""Fraction of the scores' variance within a label that the items of a group share."""
SEVEN = (0.67, 0.11, 0.11, 0.05, 0.03, 0.016, 0.014)
"""Frequencies of the labels, about as in HAM10000."""


@dataclass(frozen=True)
class World:
    """A model that tables are drawn from.

    Attributes:
        items: number of items in a table.
        auc: of one label against another.
        shares: fraction of the groups with each label; of two, the second is the positive one.
        sizes: of groups, drawn at random.
        slope: of the logits; 1 if they are calibrated.
    """

    items: int
    auc: float = 0.9
    shares: tuple[float, ...] = (0.7, 0.3)
    sizes: tuple[int, ...] = (1,)
    slope: float = 1.0

    def draw_items(self, random: np.random.Generator, items: int) -> tuple[Places, Places]:
        """Return the label and the group of each item."""
        groups = np.repeat(np.arange(items), random.choice(self.sizes, items))[:items]
        labels = random.choice(len(self.shares), p=self.shares, size=groups[-1] + 1)
        return labels[groups], groups

    def draw_scores(self, random: np.random.Generator, labels: Places, groups: Places) -> Floats:
        shape = (groups[-1] + 1, len(self.shares))
        common = COMMON * (max(self.sizes) > 1)
        noise = np.sqrt(common) * random.normal(size=shape)[groups]
        noise += np.sqrt(1 - common) * random.normal(size=noise.shape)
        apart = float(norm.ppf(self.auc))
        seen = apart * np.eye(shape[1])[labels] + noise
        return softmax(self.slope * (np.log(self.shares) + (apart or 1) * seen))

    def draw_table(self, seed: int, items: int) -> LabelledScores:
        """Return a scored table; the predicted label has the highest ratio of score to share."""
        random = np.random.default_rng(seed)
        labels, groups = self.draw_items(random, items)
        scores, count = self.draw_scores(random, labels, groups), len(self.shares)
        return LabelledScores(
            names=tuple(f"label {place}" for place in range(count)),
            task="binary" if count == 2 else "multiclass",
            items=tuple(map(str, range(items))),
            groups=tuple(map(str, groups)),
            targets=np.eye(count)[labels],
            scores=scores,
            predicted=np.eye(count, dtype=np.bool_)[(scores / self.shares).argmax(axis=1)],
            score_kind="probability",
        )

    def measure_coverage(self, tables: int) -> dict[str, float]:
        """Return for each metric the fraction of intervals that contain the truth."""
        large = compute_metrics(self.draw_table(2**32, MANY), WeightedMetrics(np.ones((1, MANY))))
        hits: dict[str, list[bool]] = {}
        for seed in range(tables):
            found = estimate_metrics(self.draw_table(seed, self.items), draws=300, seed=seed)
            for name, estimate in found.items():
                if "low" in estimate:
                    holds = estimate["low"] - 1e-6 <= large[name][0] <= estimate["high"] + 1e-6
                    hits.setdefault(name.removesuffix("_macro"), []).append(bool(holds))
        return {name: float(np.mean(each)) for name, each in hits.items()}


WORLDS = {
    "50": World(50),
    "200": World(200),
    "1,400": World(1400),
    "AUC 0.99": World(200, auc=0.99),
    "5 have it": World(200, shares=(0.975, 0.025)),
    "13 have it": World(200, shares=(0.935, 0.065)),
    "13, 0.99": World(200, auc=0.99, shares=(0.935, 0.065)),
    "groups of 3": World(200, sizes=(3,)),
    "of 1 to 30": World(200, sizes=(1, 1, 1, 1, 2, 3, 5, 10, 30)),
    "20 of 50": World(1000, sizes=(50,)),
    "too sure": World(200, slope=2),
    "7 labels": World(1400, auc=0.95, shares=SEVEN),
}


def print_promises(tables: int) -> None:
    """Print how often statements about new pictures or about two models are true."""
    for name in ("200", "5 have it", "groups of 3"):
        world, ps = WORLDS[name], []
        for seed in range(tables):
            random = np.random.default_rng(seed)
            labels, groups = world.draw_items(random, world.items)
            one, other = (world.draw_scores(random, labels, groups)[:, 1] for _ in range(2))
            if min(len(set(groups[labels == kind])) for kind in (0, 1)) > 1:
                ps.append(delong(labels.astype(float), one, other, list(map(str, groups))).p)
        below = np.mean([p is not None and p < 0.05 for p in ps])
        print(f"{name}: p < 0.05 in {below:.3f} of equal models")
    seven, new = WORLDS["7 labels"], WORLDS["7 labels"].draw_table(2**32, MANY // 10)
    true = (new.targets * new.scores).sum(axis=1)
    inside = np.zeros(len(true))
    for seed in range(tables):
        old = seven.draw_table(seed, 200)
        least = fit_conformal(old.targets, old.scores, 200)["0.9"]
        inside += (true >= least) | (true == new.scores.max(axis=1))
    rare = new.targets[:, -1] == 1
    print(f"sets of 0.9 hold {inside.mean() / tables:.3f}, {inside[rare].mean() / tables:.3f} rare")
    for name in ("200", "13 have it"):
        new, found = WORLDS[name].draw_table(2**32, MANY // 10), []
        for seed in range(tables):
            old = WORLDS[name].draw_table(seed, 200)
            (point,) = Rule("sensitivity").points(old.targets[:, 1:], old.scores[:, 1:])
            found.append(np.mean(new.scores[new.targets[:, 1] == 1, 1] >= point))
        shares = [np.mean(np.array(found) >= least) for least in (0.9, 0.85)]
        print(f"{name}: sensitivity 0.9 in {shares[0]:.2f} of choices, 0.85 in {shares[1]:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=200)
    options = parser.parse_args()
    coverage = {name: world.measure_coverage(options.tables) for name, world in WORLDS.items()}
    print("| |", " | ".join(WORLDS), "|")
    print("| --- |", " | ".join("---" for _ in WORLDS), "|")
    for metric in coverage["50"]:
        cells = [f"{row[metric]:.2f}" if metric in row else "" for row in coverage.values()]
        print(f"| `{metric}` |", " | ".join(cells), "|")
    print_promises(options.tables)
