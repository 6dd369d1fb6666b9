"""The pre-flight check: problems are reported before anything heavy is loaded."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from diascope.card import read_card, write_card
from diascope.errors import RecipeError, WeightsError
from diascope.pipeline import compose
from diascope.preflight import Check, check
from diascope.recipe import read_recipe
from tests.runs import Ended, write_pictures, write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three pictures."""
    return write_pictures(tmp_path / "photos", 3)


def checked(recipe: Path, *named: Path) -> Check:
    return check(compose(read_recipe(str(recipe))), [str(path) for path in named])


def test_a_correct_recipe_has_no_problems(recipe: Path, photos: Path) -> None:
    result = checked(recipe, photos)
    assert (result.found, result.read) == (3, 3)
    assert (result.problems, result.warnings) == ([], [])


def test_every_plugin_of_the_recipe_is_named_with_its_owner(recipe: Path, photos: Path) -> None:
    notes = " ".join(checked(recipe, photos).notes)
    for title in ("reader 'image'", "preprocessing 'resize'", "model 'classifier'"):
        assert title in notes
    assert "report 'csv' of diascope" in notes
    assert "executor 'local'" in notes


def test_weights_that_are_not_those_of_the_card_are_a_problem(
    recipe: Path, photos: Path, tiny_weights: Path
) -> None:
    with (tiny_weights / "model.safetensors").open("ab") as file:
        file.write(b"x")
    (problem,) = checked(recipe, photos).problems
    assert "not the one that its card describes" in problem


def test_missing_weights_are_a_problem(recipe: Path, photos: Path, tiny_weights: Path) -> None:
    (tiny_weights / "model.safetensors").unlink()
    result = checked(recipe, photos)
    (problem,) = result.problems
    assert str(tiny_weights / "model.safetensors") in problem
    assert (result.sampled, result.read) == (3, 3)  # the inputs are sound all the same


@pytest.mark.parametrize("run", [{"device": "cuda:77"}, {"devices": ["cpu", "cuda:77"]}])
def test_a_device_that_is_not_on_this_machine_is_a_problem(
    tmp_path: Path, photos: Path, tiny_weights: Path, run: dict[str, object]
) -> None:
    local = compose(read_recipe(str(write_recipe(tmp_path / "r.yaml", tiny_weights, run=run))))
    plugin = replace(local.executor.plugin, name="far")  # every run loads the model here too
    for pipeline in (local, replace(local, executor=replace(local.executor, plugin=plugin))):
        (problem,) = check(pipeline, [str(photos)]).problems
        assert "the device 'cuda:77' is not on this machine" in problem


@pytest.mark.parametrize(
    ("option", "other", "told"),
    [
        ("coverage: 0.7", "", "tiny has no prediction sets of coverage 0.7"),
        (
            "precision: int8",
            "",
            "there is no int8 graph of tiny for these weights and these steps on this machine",
        ),
        ("precision: int8", "engine: compile", "no engine computes in int8 on cpu"),
        ("precision: float16", "engine: onnx", "no engine computes in float16 on cpu"),
        ("device: cuda:77", "", "the device 'cuda:77' is not on this machine"),
    ],
)
def test_an_option_that_a_run_refuses_is_a_problem_with_its_line_in_run_and_check(
    command: Command,
    tmp_path: Path,
    photos: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    other: str,
    told: str,
) -> None:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "cache"))
    lines = [f"model: {{classifier: {{weights: {tiny_weights}}}}}", "report: [csv]"]
    lines += ["preprocess: [{resize: {size: 32}}]", "run:", "  workers: 0", f"  {option}"]
    recipe = tmp_path / "wish.yaml"
    recipe.write_text("\n".join([*lines, f"  {other}" if other else ""]))
    checked = command("check", recipe, photos)
    ran = command("run", recipe, photos, "-o", tmp_path / "out")
    assert (checked.code, ran.code) == (2, 2)
    assert f"error: {recipe}:6: {told}" in checked.err
    assert f"pipeline: {recipe}:6: {told}" in ran.err


def test_an_output_that_is_an_address_is_a_problem(
    tmp_path: Path, photos: Path, tiny_weights: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, output="s3://bucket/run")
    (problem,) = checked(recipe, photos).problems
    assert "s3://bucket/run: results are written into a folder on this machine" in problem


def test_a_missing_card_is_an_error(recipe: Path, photos: Path, tiny_weights: Path) -> None:
    (tiny_weights / "card.yaml").unlink()
    with pytest.raises(WeightsError, match=r"it holds no card\.yaml"):
        checked(recipe, photos)


def test_a_wrong_size_is_a_problem_that_says_what_to_add(
    tmp_path: Path, tiny_weights: Path, photos: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=[])
    result = checked(recipe, photos)
    (problem,) = result.problems
    assert "takes pictures of 32x32, got 40x40; add `resize: {size: [32, 32]}`" in problem
    assert (result.sampled, result.read) == (1, 0)


def test_pictures_with_channels_that_the_network_does_not_take_are_not_ready(
    recipe: Path, photos: Path, tiny_weights: Path
) -> None:
    write_card(replace(read_card(tiny_weights), mean=(0.5,), std=(0.2,)), tiny_weights)
    result = checked(recipe, photos)
    assert result.problems[-1] == "none of the inputs that were tried can be classified"
    (warning,) = result.warnings
    assert "would fail (model): the model takes 1 channels, got 3" in warning


def test_steps_that_differ_from_training_are_a_warning(
    tmp_path: Path, tiny_weights: Path, photos: Path
) -> None:
    steps = ["gray-world", {"resize": {"size": 32}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=steps)
    (warning,) = checked(recipe, photos).warnings
    assert "differs from how classifier was trained" in warning


def test_of_many_reasons_the_first_ten_are_listed(
    recipe: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diascope.preflight._MOST_WARNINGS", 1)
    (photos / "bad.jpg").write_text("no picture")
    for number in range(2):
        (photos / f"empty{number}.png").write_bytes(b"")
    _, others = checked(recipe, photos).warnings
    assert others == "1 more would fail or be skipped for other reasons"


def test_missing_files_of_a_list_are_warnings(recipe: Path, photos: Path) -> None:
    listed = photos.parent / "list.txt"
    gone = [f"gone{number}.png" for number in range(12)]
    listed.write_text("\n".join(["photos/00.png", *gone]))
    result = check(compose(read_recipe(str(recipe))), [], [listed])
    assert (result.found, result.read, result.problems) == (13, 1, [])
    reason = "it cannot be opened: No such file or directory"
    assert result.warnings == [f"12 of 13 would fail (read): {reason}, such as gone0.png"]


def test_a_backbone_that_is_not_installed_is_a_problem(
    recipe: Path, photos: Path, tiny_weights: Path
) -> None:
    card = tiny_weights / "card.yaml"
    card.write_text(card.read_text().replace("backbone: convnet", "backbone: convnot"))
    (problem,) = checked(recipe, photos).problems
    assert "no backbone plugin named 'convnot'" in problem
    assert "Did you mean 'convnet'?" in problem


def test_a_model_without_a_backbone_is_ready_with_weights_and_sizes_of_its_own(
    recipe: Path, photos: Path, tmp_path: Path
) -> None:
    composed = compose(read_recipe(str(recipe)))
    card = replace(composed.model.instance.card, backbone="", size=(5, 5))
    own = SimpleNamespace(card=card, weights=tmp_path / "forest")
    result = check(replace(composed, model=replace(composed.model, instance=own)), [str(photos)])
    assert (result.problems, result.read) == ([], 3)


def test_a_value_that_a_plugin_does_not_take_is_an_error(
    tmp_path: Path, tiny_weights: Path, photos: Path
) -> None:
    wrong = [{"resize": {"size": "large"}}]
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, preprocess=wrong)
    with pytest.raises(RecipeError, match="size must be"):
        checked(recipe, photos)


def test_the_command_ends_with_2_if_the_run_cannot_work(
    command: Command, recipe: Path, photos: Path, tiny_weights: Path
) -> None:
    assert command("check", recipe, photos).code == 0
    (tiny_weights / "model.safetensors").write_bytes(b"")
    ended = command("check", recipe, photos)
    assert ended.code == 2
    assert "Not ready." in ended.out
    assert "error: " in ended.err


def test_the_command_imports_no_torch(recipe: Path, photos: Path) -> None:
    code = (
        "import sys\n"
        "from diascope.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, 'torch' in sys.modules, 'monai' in sys.modules)"
    )
    command = [sys.executable, "-c", code, "check", str(recipe), str(photos)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 False False", done.stderr


def test_a_plugin_that_cannot_be_sent_to_worker_processes_is_a_problem(
    recipe: Path, photos: Path
) -> None:
    pipeline = compose(read_recipe(str(recipe)))
    (step,) = pipeline.preparation.steps
    unpicklable = replace(step, instance=lambda sample: step.instance(sample))
    pipeline.preparation = replace(pipeline.preparation, steps=(unpicklable,))

    told = f"{step.plugin.title} cannot be pickled ("

    def found(workers: Any) -> Check:
        pipeline.recipe = replace(recipe_read, run=replace(recipe_read.run, workers=workers))
        return check(pipeline, [str(photos)])

    recipe_read = pipeline.recipe
    assert (found(0).problems, found(0).warnings) == ([], [])
    assert found(2).problems[0].startswith(told)
    assert found("auto").problems == []  # the few pictures of one batch need no processes
    assert found("auto").warnings[0].startswith(told)
    pipeline.recipe = replace(recipe_read, executor=replace(recipe_read.executor, name="ray"))
    assert check(pipeline, [str(photos)]).warnings[0].endswith("as the executor ray may need")
