"""A pipeline YAML, read and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from diascope.errors import PluginError, RecipeError
from diascope.recipe import Recipe, Reference, RunOptions, build, read_recipe

FULL = """\
name: eyes
input: [left/, 'right/*.png']
output: out
read: image
preprocess:
  - gray-world
  - resize: {size: 64, fit: crop}
model:
  classifier: {weights: runs/mine}
report: [csv]
run: {workers: 2, batch: 4, device: cpu, evidence: all}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def read(write: Callable[[str], str]) -> Callable[..., Recipe]:
    return lambda text, *overrides: read_recipe(write(text), overrides)


@pytest.fixture
def refusal(write: Callable[[str], str]) -> Callable[..., RecipeError]:
    def refusal(text: str, *overrides: str) -> RecipeError:
        with pytest.raises(RecipeError) as caught:
            read_recipe(write(text), overrides)
        return caught.value

    return refusal


Read = Callable[..., Recipe]
Refusal = Callable[..., RecipeError]


def test_every_key_of_a_recipe_is_read(read: Read, tmp_path: Path) -> None:
    recipe = read(FULL)

    assert (recipe.name, recipe.base) == ("eyes", tmp_path)
    assert (recipe.input, recipe.output) == (("left/", "right/*.png"), "out")
    assert (recipe.read.name, recipe.model.name) == ("image", "classifier")
    assert [step.name for step in recipe.preprocess] == ["gray-world", "resize"]
    assert recipe.run == RunOptions(workers=2, batch=4, device="cpu", evidence="all")


def test_plain_gives_the_recipe_back_as_written(read: Read) -> None:
    plain = read(FULL).plain()

    assert plain["preprocess"] == ["gray-world", {"resize": {"size": 64, "fit": "crop"}}]
    assert plain["model"] == {"classifier": {"weights": "runs/mine"}}
    assert plain["run"]["batch"] == 4


def test_a_model_is_all_that_a_recipe_needs(read: Read) -> None:
    recipe = read("model: classifier")

    assert (recipe.name, recipe.read, recipe.preprocess) == ("mine", None, ())
    assert [report.name for report in recipe.report] == ["csv", "json", "html"]
    assert (recipe.executor.name, recipe.run) == ("local", RunOptions())


def test_a_missing_model_is_named(refusal: Refusal) -> None:
    assert refusal("name: x").message == "the key 'model' is missing"


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest(refusal: Refusal) -> None:
    error = refusal("model: classifier\n\npreproces: []\n")

    assert error.where.endswith("mine.yaml:3")
    assert "Did you mean 'preprocess'?" in error.hint


def test_an_unknown_key_in_run_is_refused_with_its_line_and_the_nearest(refusal: Refusal) -> None:
    error = refusal("model: classifier\nrun:\n  batch: 2\n  worker: 3\n")

    assert error.where.endswith("mine.yaml:4")
    assert "Did you mean 'workers'?" in error.hint


def test_a_report_that_is_listed_twice_is_refused(read: Read, refusal: Refusal) -> None:
    twice = "model: classifier\nreport:\n  - html\n  - html: {items: 9}\n"
    assert len(read(twice).report) == 2
    error = refusal(f"{twice}  - csv\n  - html: {{items: 9}}\n")

    assert error.message == "the report 'html' is listed twice"
    assert error.where.endswith("mine.yaml:6")


@pytest.mark.parametrize(
    "line",
    [
        "batch: '64'",
        "batch: 1.5",
        "batch: 0",
        "workers: -1",
        "workers: many",
        "device: 3",
        "evidence: some",
        "tolerance: 0",
        "tolerance: 1.1",
    ],
)
def test_a_wrong_value_in_run_is_refused(refusal: Refusal, line: str) -> None:
    error = refusal(f"model: classifier\nrun:\n  coverage: 0.9\n  {line}\n")

    assert line.partition(":")[0] in error.message
    assert error.where.endswith("mine.yaml:4")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("model: classifier\nname: 5", 2),
        ("model: classifier\ninput: [a, 5]", 2),
        ("model: classifier\npreprocess: resize", 2),
        ("model: classifier\npreprocess:\n  - {resize: {}, gray-world: {}}", 3),
        ("model: classifier\nreport:\n  - csv\n  - 5", 4),
        ("name: x\nmodel:\n  classifier: 5", 3),
        ("- model", 1),
        ("model: classifier\nrun: 5", 2),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused_with_its_line(
    refusal: Refusal, text: str, line: int
) -> None:
    assert refusal(text).where.endswith(f"mine.yaml:{line}")


@pytest.mark.parametrize("name", ["derm-train", "derm-train.yaml"])
def test_a_shipped_recipe_is_found_by_name(name: str) -> None:
    pytest.importorskip("diascope_derm")

    assert read_recipe(name).train is not None


def test_a_recipe_whose_name_no_file_can_have_is_refused() -> None:
    with pytest.raises(RecipeError, match="cannot be read: File name too long"):
        read_recipe("x" * 300)


def test_the_colon_of_a_drive_does_not_make_a_path_the_name_of_a_package() -> None:
    for path in (r"C:\Users\me\typo.yaml", "C:/Users/me/typo.yaml"):
        with pytest.raises(RecipeError, match="there is no such file"):
            read_recipe(path)
    with pytest.raises(PluginError, match="no recipe plugin named 'a:eyes'"):
        read_recipe("a:eyes")


def test_a_missing_recipe_is_refused_with_the_shipped_ones(install: object) -> None:
    install("fake_recipes", "[diascope.recipes]\neyes = fake_package.recipes\n")  # type: ignore[operator]

    with pytest.raises(RecipeError) as caught:
        read_recipe("ears.yaml")
    assert "eyes.yaml" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "meant"), [("mine.yml", "{folder}/mine.yaml"), ("eye.yml", "eyes.yaml")]
)
def test_a_recipe_of_nearly_that_name_is_named(
    install: Callable[..., None], tmp_path: Path, written: str, meant: str
) -> None:
    install("fake_recipes", "[diascope.recipes]\neyes = fake_package.recipes\n")
    (tmp_path / "mine.yaml").touch()

    with pytest.raises(RecipeError) as caught:
        read_recipe(str(tmp_path / written))
    assert f"Did you mean {meant.format(folder=tmp_path)!r}?" in caught.value.hint


def test_a_missing_shipped_recipe_is_refused_with_its_package(install: object) -> None:
    install("fake_recipes", "[diascope.recipes]\neyes = fake_package.recipes\n")  # type: ignore[operator]

    with pytest.raises(PluginError, match=r"fake_recipes 1\.0: there is no eyes\.yaml"):
        read_recipe("eyes")


def test_a_strict_recipe_is_written_without_the_paths_of_input_and_output(read: Read) -> None:
    plain = read(FULL, "privacy=strict").plain()

    assert (plain["input"], plain["output"], plain["privacy"]) == ([], None, "strict")
    assert read(FULL).plain()["privacy"] == "none"


def test_privacy_is_none_or_strict(refusal: Refusal) -> None:
    error = refusal("model: m\nprivacy: some")

    assert "privacy must be none or strict, got 'some'" in error.message
    assert error.where.endswith(":2")


def test_a_folder_is_not_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is a folder"):
        read_recipe(str(tmp_path))


def test_a_value_error_of_a_class_gets_the_line() -> None:
    @dataclass
    class Positive:
        size: int = -1

        def __post_init__(self) -> None:
            raise ValueError("size must be at least 1, got -1")

    with pytest.raises(RecipeError, match=r"r\.yaml:7: size must be at least 1"):
        build(Positive, {}, where="r.yaml:7")


def test_a_reference_without_parameters_is_written_as_its_name() -> None:
    assert Reference("reader", "image", {}, "").plain() == "image"


def test_recipes_that_two_packages_ship_are_listed_with_their_owners(
    install: Callable[..., None],
) -> None:
    for package in ("fake_one", "fake_two"):
        install(package, f"[diascope.recipes]\neyes = {package}.recipes\n")
    install("fake_three", "[diascope.recipes]\nears = fake_three.recipes\n")

    with pytest.raises(RecipeError) as caught:
        read_recipe("nose.yaml")
    listed = caught.value.hint.partition("Shipped recipes: ")[2].rstrip(".").split(", ")
    assert {"ears.yaml", "fake_one:eyes", "fake_two:eyes"} <= set(listed)
    assert "eyes.yaml" not in listed
