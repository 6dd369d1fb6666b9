"""The page in Chromium: its arithmetic agrees with the network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import torch

from diascope.card import ModelCard
from diascope.explain import inspector
from diascope.explain.attribution import Attribution
from diascope.explain.explanation import ExplainedLayer, explain
from diascope.explain.page import Subject, explain_page
from diascope.explain.page_scores import Logits
from diascope.explain.steps import Stage, network_input_stage
from diascope.explain.unit_functions import NONLINEARITIES, UnitFunctions
from diascope.sample import Item, Prediction
from tests.browser import chromium
from tests.explain.networks import make_network
from tests.explain.test_convolution import LAYERS, LAYERS_TRANSPOSED, capture_convolution

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = "<img src=x onerror=alert(1)>.png"
OUTPUTS = {"dark": 0, "bright": 1}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as browser:
        yield browser


def render_page(
    make_card: Callable[..., ModelCard],
    *,
    broken: bool = False,
    size: tuple[int, int] = (32, 32),
    network: str = "convnet",
) -> str:
    card = make_card(size=size, mean=(0.5,) * 3, std=(0.25,) * 3)
    batch = 2 * torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) - 1
    found = explain(make_network(network, outputs=2), batch, OUTPUTS, "dark")
    if broken:
        wrong, right = found.evidence["bright"], found.evidence["dark"]
        found.evidence["dark"] = Attribution("exact", wrong.map, right.logit, right.expected_sum)  # type: ignore[index]
    prediction = Prediction(Item(HOSTILE, "/a"), {"dark": 0.7, "bright": 0.3}, "softmax", ("dark",))
    stages = [
        Stage("as read from the file", np.zeros((300, 400, 1), np.uint8), ()),
        network_input_stage(batch, card),
    ]
    raw = np.array([found.evidence[name].logit for name in OUTPUTS], np.float32)
    logits = Logits(raw, raw.astype(np.float64), mirrored=False)
    return explain_page(Subject(card, prediction, logits, stages, "dark", {}), found)


@pytest.fixture
def page(
    browser: "Browser", make_card: Callable[..., ModelCard], tmp_path: Path
) -> Iterator["Page"]:
    faults: list[str] = []
    path = tmp_path / "explain.html"
    path.write_text(render_page(make_card), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert faults == []


def comparisons(page: "Page") -> list[str]:
    return page.locator("#arithmetic .steps .own").all_inner_texts()


def test_the_page_reproduces_the_networks_values_at_every_position(page: "Page") -> None:
    place = page.locator("#arithmetic input[type=number]")
    for layer in page.locator("#arithmetic input[name=layer]").all():
        layer.check(force=True)
        for row, column in ((0, 0), (5, 7), (15, 15)):
            for field, value in zip(place.all(), (row, column), strict=True):
                field.fill(str(value))
                field.press("Enter")
            assert len(comparisons(page)) == 3  # sum, nonlinearity, pooling
            assert all("✓ equal" in words for words in comparisons(page))


WEIGHTED_SUMS = """layer => {
    layer.inputs = unpack(layer.inputs);
    const { top, left, height, width } = layer.box;
    return layer.filters.flatMap(filter => {
        filter.weight = unpack(filter.weight);
        return Array.from(unpack(filter.output).values, (own, at) => {
            const place = [top + Math.floor(at / width), left + at % width];
            return [weightedSum(layer, filter, place).value, own];
        });
    });
}"""


def test_every_label_has_a_row_from_its_logit_to_its_score(page: "Page") -> None:
    rows = [row.inner_text().split() for row in page.locator(".logits tr").all()]

    assert rows[0] == ["Label", "Logit", "Score"]
    assert [(row[0], row[-1]) for row in rows[1:]] == [("dark", "0.700"), ("bright", "0.300")]
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("kept", [450_000, 700], ids=["all of it", "a part"])
def test_the_page_computes_every_kind_of_convolution_like_pytorch(
    page: "Page", monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(inspector, "_LAYER_BYTES", kept)
    for module in [*LAYERS, *LAYERS_TRANSPOSED]:
        found = capture_convolution(module)
        layer = ExplainedLayer(
            "Layer 1", found, UnitFunctions(None, None, "", found.output, None, None)
        )
        sums = np.array(page.evaluate(WEIGHTED_SUMS, inspector.layer_numbers(layer)))

        assert len(sums) == found.output.size or kept < 450_000
        np.testing.assert_allclose(sums[:, 0], sums[:, 1], atol=1e-5, err_msg=str(module))


def test_the_page_computes_every_nonlinearity_like_pytorch(page: "Page") -> None:
    line = torch.linspace(-9, 9, 181, dtype=torch.float64)
    for name, bend in NONLINEARITIES.items():
        bent = page.evaluate(
            "([name, line]) => line.map(NONLINEARITIES[name])", [name, line.tolist()]
        )
        np.testing.assert_allclose(bent, bend(line), atol=1e-6, err_msg=name)


def test_a_position_between_two_pooling_windows_is_in_neither(page: "Page") -> None:
    page.evaluate("numbers.layers[0].pooling.stride = [3, 3]")
    row, column = page.locator("#arithmetic input[type=number]").all()
    column.fill("0")
    for value, held in (("2", False), ("3", True), ("4", True), ("5", False)):
        row.fill(value)
        row.press("Enter")
        words = page.locator("#arithmetic .steps li").last.inner_text()
        assert ("Pooling: the maximum of 2 x 2" in words) == held
        assert ("No pooling window contains this position." in words) != held


def test_a_value_that_differs_from_the_networks_is_reported(page: "Page") -> None:
    page.evaluate("numbers.layers[0].filters[0].bias += 0.01")
    page.locator("#arithmetic canvas").press("ArrowLeft")

    assert "✗ differs by" in comparisons(page)[0]


def test_the_arrow_keys_move_the_position(page: "Page") -> None:
    before = page.locator("#stages input[type=number]").last.input_value()
    page.locator("#stages canvas").press("ArrowRight")

    assert page.locator("#stages input[type=number]").last.input_value() == str(int(before) + 1)


def test_only_the_centre_of_a_large_picture_is_stored_and_the_page_says_so(page: "Page") -> None:
    page.locator("#stages input[name=stage]").first.check(force=True)

    assert "only the central 225 x 225 are stored" in page.locator("#stages").inner_text()


def test_a_phone_needs_no_horizontal_scrolling(page: "Page") -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_tall_picture_fits_into_the_window(
    browser: "Browser", make_card: Callable[..., ModelCard], tmp_path: Path
) -> None:
    path = tmp_path / "tall.html"
    path.write_text(render_page(make_card, size=(160, 8)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.goto(path.as_uri())
    heights = "all => all.map(each => each.getBoundingClientRect().height)"
    assert max(page.locator("img, canvas").evaluate_all(heights)) < 900
    page.close()


def test_the_bars_of_the_scores_stay_wide_enough_to_compare_on_a_phone(page: "Page") -> None:
    bar = page.locator(".scores .share").first.bounding_box()

    assert bar is not None
    assert bar["width"] > 60


def test_no_table_of_numbers_is_cut_off_in_print(page: "Page") -> None:
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 less its margins
    page.emulate_media(media="print")
    ends = """grids => grids.map(grid =>
        [grid, grid.closest(".scroll")].map(each => each.getBoundingClientRect().right))"""

    for table, room in page.locator(".scroll .grid-of-numbers").evaluate_all(ends):
        assert table <= room


def test_scrollable_numbers_have_the_same_edge_shading_as_other_tables(
    page: "Page",
) -> None:
    shade = "grids => grids.map(each => getComputedStyle(each.parentElement).backgroundImage)"

    shades = page.locator(".equations > *, .grids").evaluate_all(shade)
    assert shades
    assert all("gradient" in each for each in shades)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_have_enough_contrast_to_their_background(
    page: "Page", scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    painted = """cells => cells.map(cell => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const context = canvas.getContext("2d", { willReadFrequently: true });
        const drawn = (...colours) => {
            colours.forEach(colour => {
                context.fillStyle = colour;
                context.fillRect(0, 0, 1, 1);
            });
            return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
        };
        const ground = getComputedStyle(cell.closest(".panel")).backgroundColor;
        const { color, backgroundColor } = getComputedStyle(cell);
        return [drawn(color), drawn(ground, backgroundColor)];
    })"""
    shown = np.array(page.locator(".grid-of-numbers td:not(.outside)").evaluate_all(painted)) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    light = np.sort(linear @ [0.2126, 0.7152, 0.0722], axis=1) + 0.05

    assert (light[:, 1] / light[:, 0]).min() >= 4.5  # WCAG 2.2, 1.4.3


def test_a_hostile_name_is_shown_and_not_run(page: "Page") -> None:
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("img[src=x]").count() == 0


def test_the_page_prints_sum_bias_and_logit_and_the_device_notice(
    make_card: Callable[..., ModelCard],
) -> None:
    html = render_page(make_card)

    assert html.count("Not a medical device") == 1
    assert html.count(", residual ") == 3  # the chosen label, and each of the two once more
    assert "does not add up" not in html


def test_the_first_maps_have_both_colour_legends_if_some_values_are_negative(
    make_card: Callable[..., ModelCard],
) -> None:
    html = render_page(make_card, size=(64, 64), network="efficientnet-b0")  # SiLU goes below 0
    first = html[html.index("Step 2") : html.index("Step 3")]

    assert all(f'class="bar {colours}"' in first for colours in ("magnitude", "diverging"))


def test_a_map_that_does_not_add_up_is_reported(make_card: Callable[..., ModelCard]) -> None:
    assert "The map does not add up" in render_page(make_card, broken=True)


def test_the_legend_of_the_map_shows_its_minimum_and_maximum(page: "Page") -> None:
    low, high = page.locator("#arithmetic .ramp span:not(.bar)").all_inner_texts()
    shown = page.evaluate(
        "numbers.layers[0].filters[0].activated.values.reduce((a, b) => Math.max(a, b))"
    )

    assert float(low.replace("\N{MINUS SIGN}", "-")) < float(high) == pytest.approx(shown, rel=1e-3)
