"""Evidence maps, measured where the truth is known: a bright square decides."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from diascope.card import ModelCard
from diascope.classifier import Classifier
from diascope.contracts import Runtime
from diascope.engines.torch import ReferenceEngine
from diascope.errors import TableError
from diascope.evaluation.evidence import DEPTHS, measure_evidence
from diascope.evaluation.evidence_cases import CaseBuilder, refuse_missing_masks
from diascope.network import LinearHead, Network
from diascope.plugin_creation import make_backbone
from diascope.plugins import find_plugin, load_plugin
from diascope.preparation import Part, Preparation
from diascope.table import Example, read_table

COUNT = 12


def make_part(kind: str, name: str, *values: object) -> Part:
    plugin = find_plugin(kind, name)
    return Part(plugin, load_plugin(plugin)(*values))


class LeftHalf(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return torch.cat([batch[..., :16], torch.zeros_like(batch[..., 16:])], dim=3)


def read_mask(row: Example) -> np.ndarray:
    return np.asarray(Image.open(row.path.parent / row.columns["mask"]))


@pytest.fixture
def looking(make_card: Callable[..., ModelCard], tmp_path: Path) -> CaseBuilder:
    """A network whose one feature is the brightness of each pixel; it speaks for ``bright``."""
    backbone, head = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU()), LinearHead(1, 2)
    with torch.no_grad():
        backbone[0].weight.fill_(1)
        backbone[0].bias.fill_(-4)
        head.linear.weight.copy_(torch.tensor([[-30.0], [30.0]]))
        head.linear.bias.copy_(torch.tensor([1.0, -1.0]))
    card = make_card(size=(32, 32), mean=(0.0,) * 3, std=(0.5,) * 3)
    runtime = Runtime("cpu", "all", make_backbone)
    engine = ReferenceEngine(Network(backbone, head).eval(), card, "cpu")
    classifier = Classifier(engine, card, runtime)
    steps = (make_part("preprocessing", "resize", 32),)
    return CaseBuilder(
        classifier, Preparation((make_part("reader", "image"),), steps, block=1), tmp_path
    )


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    """Dark pictures with a bright square anywhere, and their masks; two pictures a group."""
    random = np.random.default_rng(0)
    lines = ["path,label,group,mask"]
    for number in range(COUNT):
        mask = np.zeros((64, 96), np.uint8)
        row, column = random.integers(0, (40, 72))
        mask[row : row + 24, column : column + 24] = 255
        Image.fromarray(mask).save(tmp_path / f"{number}-mask.png")
        pixels = np.repeat(np.clip(mask, 30, 240)[:, :, None], 3, axis=2)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,bright,{number // 2},{number}-mask.png")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    return read_table(tmp_path / "table.csv", "multiclass")


def test_evidence_for_what_decides_lies_inside_and_the_answer_follows_it(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    found = measure_evidence(looking, examples, draws=50)
    inside, hiding = (found[part]["figures"] for part in ("inside", "hiding"))

    assert found["inside"]["cases"] == found["hiding"]["cases"] == COUNT
    assert inside["energy"]["value"] > 0.95
    assert inside["pointing"]["value"] == 1
    assert inside["energy_gain"]["low"] > 0.5
    assert inside["area"]["value"] == pytest.approx(24 * 24 / (64 * 96), abs=0.02)
    assert hiding["deletion_gain"]["low"] > 0
    assert hiding["insertion_gain"]["low"] > 0
    assert list(found["randomised"]["figures"]) == list(DEPTHS)
    assert found["left_out"] == {}


def test_the_mask_of_a_label_counts_before_that_of_all_labels(
    looking: CaseBuilder, examples: list[Example], tmp_path: Path
) -> None:
    Image.new("L", (96, 64), 255).save(tmp_path / "whole.png")
    for column, energy in (("mask.bright", 1.0), ("mask.dark", None)):
        rows = [replace(each, columns={**each.columns, column: "whole.png"}) for each in examples]
        found = measure_evidence(looking, rows, draws=5)["inside"]["figures"]
        own = measure_evidence(looking, examples, draws=5)["inside"]["figures"]
        assert found["energy"]["value"] == (own["energy"]["value"] if energy is None else energy)
        assert found["area"]["value"] == (own["area"]["value"] if energy is None else 1)


def test_figures_of_few_groups_have_students_intervals_within_their_ends(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    two = [replace(example, group=str(n % 2)) for n, example in enumerate(examples)]
    one, few = (measure_evidence(looking, table, draws=50) for table in (examples, two))
    blind, gain = (few["inside"]["figures"][name] for name in ("energy_gaussian", "energy_gain"))
    assert 0 < blind["low"] < one["inside"]["figures"]["energy_gaussian"]["low"]
    assert blind["high"] < 1
    assert -1 < gain["low"] < 0.5 < gain["high"] < 1


def test_a_network_that_sees_nothing_has_the_masks_fraction(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    with torch.no_grad():
        looking.classifier.network.backbone[0].weight.fill_(0)  # type: ignore[index]
        looking.classifier.network.backbone[0].bias.fill_(1)  # type: ignore[index]
    found = measure_evidence(looking, examples, draws=10)
    inside = found["inside"]["figures"]

    assert inside["energy"]["value"] == pytest.approx(inside["area"]["value"])
    assert found["hiding"]["figures"]["deletion_gain"]["value"] == pytest.approx(0)
    assert found["randomised"]["figures"]["head"] is None  # a flat map has no ranks


def test_the_same_seed_gives_the_same_numbers(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    one, two = (measure_evidence(looking, examples, draws=10, seed=4) for _ in range(2))

    assert one == two


def test_a_model_that_averages_mirror_images_is_measured_that_way(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    """The network is blind on the right, where it sees only the mirror image of a picture."""
    classifier = looking.classifier
    backbone = nn.Sequential(LeftHalf(), classifier.network.backbone)
    blind = Network(backbone, classifier.network.head).eval()
    classifier = replace(classifier, engine=ReferenceEngine(blind, classifier.card, "cpu"))
    right = [row for row in examples if np.argmax(read_mask(row).any(axis=0)) >= 48]
    alone, mirrored = (
        measure_evidence(replace(looking, classifier=each), right, draws=50)
        for each in (classifier, replace(classifier, test_time="flips"))
    )

    assert len(right) > 2
    assert alone["inside"] == {}
    assert alone["hiding"]["figures"]["deletion_gain"]["value"] == 0
    assert alone["randomised"]["figures"]["head"] is None
    assert mirrored["left_out"] == {}
    assert mirrored["inside"]["figures"]["energy"]["value"] > 0.95
    assert mirrored["hiding"]["figures"]["deletion_gain"]["low"] > 0
    assert mirrored["hiding"]["figures"]["insertion_gain"]["low"] > 0
    assert mirrored["randomised"]["figures"]["head"] is not None


def test_a_picture_without_a_usable_mask_is_counted_with_its_reason(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    Image.new("L", (9, 9), 255).save(examples[3].path.parent / "3-mask.png")
    found = measure_evidence(looking, examples, draws=5)

    assert found["left_out"] == {"the mask does not have the picture's size": 1}
    assert found["inside"]["cases"] == COUNT - 1


def test_figures_of_the_masks_are_measured_on_the_same_maps(
    looking: CaseBuilder, examples: list[Example]
) -> None:
    Image.new("RGB", (96, 64)).save(examples[3].path)  # black: nothing speaks for bright
    found = measure_evidence(looking, examples, draws=5)
    inside = found["inside"]["figures"]

    assert (found["inside"]["cases"], found["hiding"]["cases"]) == (COUNT - 1, COUNT)
    assert list(found["left_out"].values()) == [1]
    for name in ("energy", "pointing"):
        gain = inside[name]["value"] - inside[f"{name}_gaussian"]["value"]
        assert inside[f"{name}_gain"]["value"] == pytest.approx(gain, abs=2e-4)


def test_missing_masks_are_named_before_anything_is_run(
    examples: list[Example], tmp_path: Path
) -> None:
    (tmp_path / "5-mask.png").unlink()
    examples[0].columns["mask"] = "x" * 300  # which no file can be called
    examples[1].columns["mask"] += " "
    examples[2].columns["mask"] = " "

    with pytest.raises(TableError, match=r"2 masks missing: line 2: .*x; line 7: .*5-mask"):
        refuse_missing_masks(examples, tmp_path / "table.csv")
