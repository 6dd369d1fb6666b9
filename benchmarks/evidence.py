"""The cost of evidence maps in a run, and of explaining one picture instead of classifying it.

    python benchmarks/evidence.py [RECIPE] [--image FILE] [--rounds 5] [--batch 16]

The variants take turns in one warm process; prints medians and ratios. A batch is measured by
``predict`` with ``run.evidence`` none, predicted and all. One picture is classified from file to
answer, as in a run, and explained from file to page, without occlusion.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from machine import EXAMPLE, describe_machine

from diascope.explain.page import explain_page
from diascope.explain_picture import ExplainRequest, explain_item
from diascope.inference_trace import (
    OVERRIDES,
    classify_sample,
    inspectable_classifier,
    prepare_first_sample,
)
from diascope.inputs import find_items
from diascope.pipeline import compose
from diascope.recipe import read_recipe

KINDS: tuple[Literal["none", "predicted", "all"], ...] = ("none", "predicted", "all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="derm.yaml")
    parser.add_argument("--image", default=EXAMPLE)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16)
    options = parser.parse_args()

    print(f"{options.recipe}, {describe_machine()}\n")
    pipeline = compose(read_recipe(options.recipe, OVERRIDES))
    classifier = inspectable_classifier(pipeline)
    (found,) = find_items([options.image])
    sample, _, _ = prepare_first_sample(pipeline.preparation, found.item)

    def make_predict(kind: Literal["none", "predicted", "all"]) -> Callable[[], object]:
        once = replace(classifier, runtime=replace(classifier.runtime, evidence=kind))
        return lambda: once.predict([sample] * options.batch)

    def classify_one() -> object:
        return classify_sample(
            classifier, prepare_first_sample(pipeline.preparation, found.item)[0]
        )

    def explain_one() -> object:
        page = explain_item(pipeline, ExplainRequest(options.image, occlusion=False))
        return explain_page(page.subject, page.explanation)

    print(f"| {options.batch} pictures, `run.evidence` | ms | ratio |\n| --- | --- | --- |")
    print_timings({kind: make_predict(kind) for kind in KINDS}, options.rounds)
    print("\n| one picture | ms | ratio |\n| --- | --- | --- |")
    print_timings({"classified": classify_one, "explained": explain_one}, options.rounds)


def print_timings(ways: dict[str, Callable[[], object]], rounds: int) -> None:
    """Time functions in turn, and print a row for each: its median and the ratio to the first's."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn:  # the first warms up
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"| {name} | {1000 * median:.1f} | {median / first:.2f} |")


if __name__ == "__main__":
    main()
