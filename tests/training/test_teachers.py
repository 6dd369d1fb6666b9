"""Learning from the answers of trained networks."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from diascope.card import read_card, write_card
from diascope.errors import RecipeError, WeightsError
from diascope.pipeline import compose
from diascope.recipe import read_recipe
from diascope.table import read_table
from diascope.training.dataset import first_sample
from diascope.training.teachers import Teachers
from tests.runs import write_recipe
from tests.training.trainings import COLOURS, train, write_table, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of three colours."""
    return write_table(tmp_path_factory.mktemp("taught") / "pictures", list(COLOURS))


@pytest.fixture(scope="module")
def teacher(table: Path) -> Path:
    folder = table.parents[1]
    train(write_training(folder / "teacher.yaml", table, epochs=6), folder / "teacher")
    return folder / "teacher"


def test_a_target_is_the_mean_answer_of_the_teachers_and_the_label(
    tmp_path: Path, table: Path, teacher: Path
) -> None:
    train(write_training(tmp_path / "b.yaml", table, epochs=1, size=24), tmp_path / "second")
    pictures = torch.rand(5, 3, 24, 24)
    targets = torch.eye(3)[[0, 1, 2, 0, 1]]
    folders = [teacher, tmp_path / "second"]
    found = Teachers(folders, read_card(teacher), 0.25, "cpu").soften(pictures, targets)

    small = torch.nn.functional.interpolate(pictures, (16, 16), mode="bilinear", antialias=True)
    answers = [answered(tmp_path, *each) for each in zip(folders, (small, pictures), strict=True)]
    expected = 0.75 * targets.numpy() + 0.25 * np.mean(answers, axis=0)
    np.testing.assert_allclose(found.numpy(), expected, atol=0.004)  # pictures are of 8 bits there


def test_a_teacher_overrules_wrong_labels_as_far_as_it_counts(
    tmp_path: Path, table: Path, teacher: Path
) -> None:
    lines = table.read_text().splitlines()
    turned = dict(zip(COLOURS, [*list(COLOURS)[1:], *list(COLOURS)[:1]], strict=True))
    wrong = []
    for name, colour, group in (line.split(",") for line in lines[1:]):
        wrong.append(f"{name},{turned[colour]},{group}")
    false = table.with_name("false.csv")
    false.write_text("\n".join([lines[0], *wrong]) + "\n")
    taught = {"teachers": [str(teacher)], "epochs": 8, "monitor": "loss"}
    believing = train(
        write_training(tmp_path / "a.yaml", false, teacher_share=1.0, **taught), tmp_path / "a"
    )
    doubting = train(
        write_training(tmp_path / "b.yaml", false, teacher_share=0.1, **taught), tmp_path / "b"
    )

    assert believing.metrics["accuracy"]["value"] < 0.2  # of the wrong labels
    assert doubting.metrics["accuracy"]["value"] > 0.8
    assert believing.made["teachers"] == [read_card(teacher).digest]


@pytest.mark.parametrize("licence", ["", "MIT"])
def test_the_card_names_what_was_learned_from_and_keeps_its_licence(
    tmp_path: Path, table: Path, teacher: Path, licence: str
) -> None:
    bound = shutil.copytree(teacher, tmp_path / "bound")
    write_card(replace(read_card(bound), name="elder", licence="CC BY-NC 4.0"), bound)
    taught = {"teachers": [str(bound)], "start": str(bound), "licence": licence}
    card = train(write_training(tmp_path / "a.yaml", table, epochs=1, **taught), tmp_path / "a")

    assert card.licence == (licence or "not stated; learned from elder: CC BY-NC 4.0")
    cited = f"elder (CC BY-NC 4.0), {read_card(teacher).digest}"
    assert card.made["learned_from"] == [cited, cited]


def test_mixed_and_taught_a_training_repeats_itself(
    tmp_path: Path, table: Path, teacher: Path
) -> None:
    taught = {"teachers": [str(teacher)], "mixup": 0.3, "epochs": 2}
    recipe = write_training(tmp_path / "a.yaml", table, **taught)
    one, two = (train(recipe, tmp_path / name) for name in ("one", "two"))
    plain = train(write_training(tmp_path / "b.yaml", table, epochs=2), tmp_path / "plain")

    assert one.digest == two.digest != plain.digest


def test_a_folder_taught_by_another_teacher_is_refused(
    tmp_path: Path, table: Path, teacher: Path
) -> None:
    own = shutil.copytree(teacher, tmp_path / "teacher")
    recipe = write_training(tmp_path / "a.yaml", table, epochs=1, teachers=[str(own)])
    train(recipe, tmp_path / "mine")
    again = write_training(tmp_path / "teacher2.yaml", table, epochs=1, seed=3)
    train(again, tmp_path / "other")
    for name in ("model.safetensors", "card.yaml"):
        (own / name).write_bytes((tmp_path / "other" / name).read_bytes())

    with pytest.raises(WeightsError, match="holds another training, which differs in"):
        train(recipe, tmp_path / "mine")


def test_teachers_that_answer_something_else_are_refused(tmp_path: Path, teacher: Path) -> None:
    table = write_table(tmp_path / "two", ["red", "green"])
    recipe = write_training(tmp_path / "a.yaml", table, teachers=[str(teacher)])

    with pytest.raises(RecipeError, match="names must be green, red as in this"):
        train(recipe, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_teacher_that_is_not_there_is_named(tmp_path: Path, table: Path) -> None:
    recipe = write_training(tmp_path / "a.yaml", table, teachers=["gone"])

    with pytest.raises(WeightsError, match="gone"):
        train(recipe, tmp_path / "mine")


def answered(tmp_path: Path, folder: Path, pictures: torch.Tensor) -> np.ndarray:
    """Return the scores that a run of those weights gives."""
    files = []
    for place, picture in enumerate((pictures * 255).round().byte()):
        files.append(tmp_path / f"{folder.name}-{place}.png")
        Image.fromarray(picture.movedim(0, 2).numpy()).save(files[-1])
    steps = list(read_card(folder).preprocess)
    recipe = write_recipe(tmp_path / f"{folder.name}-run.yaml", folder, preprocess=steps)
    pipeline = compose(read_recipe(str(recipe)))
    table = tmp_path / f"{folder.name}.csv"
    table.write_text("path,label\n" + "".join(f"{file},red\n" for file in files))
    samples = [first_sample(row, pipeline.preparation) for row in read_table(table, "multiclass")]
    return np.array([list(each.scores.values()) for each in pipeline.load().predict(samples)])
