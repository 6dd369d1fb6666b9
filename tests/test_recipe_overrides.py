"""``--set`` reaches any value of a recipe by a dotted path."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope.errors import RecipeError
from diascope.recipe import Recipe, read_recipe

FULL = """\
preprocess:
  - gray-world
  - resize: {size: 64, fit: crop}
model:
  classifier: {weights: runs/mine}
run: {workers: 2, batch: 4}
"""

Read = Callable[..., Recipe]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str, *overrides: str) -> Recipe:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return read_recipe(str(path), overrides)

    return read


def refusal(read: Read, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        read(FULL, *overrides)
    return caught.value


def test_set_changes_a_nested_key(read: Read) -> None:
    assert read(FULL, "run.batch=64").run.batch == 64


def test_a_value_that_set_put_in_place_is_refused_there(read: Read) -> None:
    assert refusal(read, "run.workers=-1").where == "--set run.workers=-1"


def test_set_makes_keys_that_are_not_there(read: Read) -> None:
    assert read("model: classifier", "run.device=cpu").run.device == "cpu"


def test_set_reaches_a_list_entry_by_name_and_by_number(read: Read) -> None:
    by_name = read(FULL, "preprocess.resize.size=32")
    by_number = read(FULL, "preprocess.1.resize.size=32")

    assert by_name.plain()["preprocess"][1] == {"resize": {"size": 32, "fit": "crop"}}
    assert by_number.plain() == by_name.plain()


def test_set_replaces_a_list_entry_by_number(read: Read) -> None:
    recipe = read(FULL, "preprocess.0=equalize")

    assert [step.name for step in recipe.preprocess] == ["equalize", "resize"]


def test_set_gives_parameters_to_a_plugin_written_as_a_name(read: Read) -> None:
    recipe = read("model: classifier", "model.classifier.weights=w")

    assert recipe.plain()["model"] == {"classifier": {"weights": "w"}}


@pytest.mark.parametrize(
    ("recipe", "override", "resolved"),
    [
        ("read: auto", "read.image.least=448", {"image": {"least": 448}}),
        ("read: {slide: {tile: 64}}", "read.image.least=448", {"image": {"least": 448}}),
        (
            "read: {slide: {tile: 64}}",
            "read.slide.overlap=2",
            {"slide": {"tile": 64, "overlap": 2}},
        ),
    ],
)
def test_a_path_to_a_parameter_of_another_plugin_replaces_the_plugin(
    read: Read, recipe: str, override: str, resolved: dict[str, Any]
) -> None:
    assert read(f"model: classifier\n{recipe}", override).plain()["read"] == resolved


def test_the_model_the_executor_and_the_steps_of_a_list_are_replaced_likewise(read: Read) -> None:
    recipe = read(
        f"{FULL.replace('batch: 4', 'executor: local')}report: [json]\n",
        "model.derm.test_time=none",
        "run.executor.ray.address=auto",
        "preprocess.0.center-crop.size=64",
        "report.0.parquet.rows=9",
    )

    assert recipe.model.name == "derm"
    assert recipe.executor.plain() == {"ray": {"address": "auto"}}
    assert [step.name for step in recipe.preprocess] == ["center-crop", "resize"]
    assert [report.plain() for report in recipe.report] == [{"parquet": {"rows": 9}}]


def test_a_plugin_written_with_its_package_keeps_its_parameters(read: Read) -> None:
    text = "model: {'acme:derm': {weights: mine}}\npreprocess: [{'acme:resize': {size: 8}}]\n"
    recipe = read(text, "model.derm.top_k=4", "preprocess.resize.fit=pad")

    assert recipe.model.plain() == {"acme:derm": {"weights": "mine", "top_k": 4}}
    assert recipe.preprocess[0].plain() == {"acme:resize": {"size": 8, "fit": "pad"}}
    other = read(text, "model.other:derm.top_k=4")
    assert other.model.plain() == {"other:derm": {"top_k": 4}}


def test_a_parameter_without_its_plugin_is_refused(read: Read) -> None:
    assert "expected a model plugin" in refusal(read, "model.weights=runs/x").message


def test_set_takes_lists_and_the_last_override_wins(read: Read) -> None:
    recipe = read(FULL, "report=[json]", "report=[json, html]")

    assert [report.name for report in recipe.report] == ["json", "html"]


@pytest.mark.parametrize(
    "override", ["run.batch", "=3", "preprocess.rezise.size=3", "run.bach=3", "preprocess.²=x"]
)
def test_a_wrong_override_is_refused_and_named(read: Read, override: str) -> None:
    assert f"--set {override}" in refusal(read, override).where


@pytest.mark.parametrize("override", ["run.batch=0x8000000000000000", "run.workers=1000000"])
def test_numbers_beyond_any_machine_are_refused(read: Read, override: str) -> None:
    assert "must be a whole number from " in refusal(read, override).message


def test_a_value_set_wrongly_is_refused_and_named(read: Read) -> None:
    error = refusal(read, "run.batch=many")

    assert error.where == "--set run.batch=many"
    assert "batch must be a whole number" in error.message
