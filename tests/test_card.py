"""The card beside the weights."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.card import (
    CARD_FILE,
    WEIGHTS_FILE,
    Calibration,
    Label,
    ModelCard,
    NoveltyLimit,
    check_digest,
    read_card,
    write_card,
)
from diascope.errors import WeightsError

Make = Callable[..., ModelCard]


def refusal(directory: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read_card(directory)
    return caught.value


def test_a_card_reads_as_it_was_written(tmp_path: Path, make_card: Make) -> None:
    card = make_card(
        labels=(Label("a", "Title: é", {"SCT": "0012"}, 0.3), Label("no")),
        preprocess=("gray-world", {"resize": {"size": 160}}),
        data={"name": "set", "pictures": 3},
        metrics={"auc": {"value": 0.9, "low": 0.8, "high": 1e-3}},
        evidence={"measured_on": "9 pictures", "inside": {"cases": 9, "figures": {}}},
        limits=("none",),
        novelty=NoveltyLimit((1.25, 1.5), "800 training pictures"),
        digest="12" * 32,
    )
    write_card(card, tmp_path)

    assert read_card(tmp_path).plain() == card.plain()


def test_writing_leaves_no_partial_file(tmp_path: Path, make_card: Make) -> None:
    write_card(make_card(), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [CARD_FILE]


def test_a_folder_without_a_card_is_refused_with_what_it_should_hold(tmp_path: Path) -> None:
    assert "model.safetensors" in refusal(tmp_path).hint
    assert "no such folder" in refusal(tmp_path / "gone").message


def test_a_folder_of_an_unfinished_training_is_refused_with_how_to_continue(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").touch()
    assert refusal(tmp_path).hint.startswith("The training there is unfinished")


def test_an_unknown_key_in_a_card_is_refused_with_its_line(tmp_path: Path, make_card: Make) -> None:
    write_card(make_card(), tmp_path)
    path = tmp_path / CARD_FILE
    path.write_text("lables: []\n" + path.read_text())

    assert refusal(tmp_path).where == f"{path}:1"
    assert "'labels'" in refusal(tmp_path).hint


def test_an_unknown_key_of_a_label_is_refused_too(tmp_path: Path, make_card: Make) -> None:
    write_card(make_card(), tmp_path)
    path = tmp_path / CARD_FILE
    path.write_text(path.read_text().replace("operating_point", "operating_pont"))

    assert refusal(tmp_path).message == "label 1: unknown key 'operating_pont'"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": "binary", "labels": (Label("a"), Label("b"), Label("c"))}, "two labels"),
        ({"labels": (Label("a"),)}, "at least two"),
        ({"labels": (Label("a"), Label("a"))}, "repeat"),
        ({"labels": (Label("macro"), Label("a"))}, "cannot be called macro"),
        ({"std": (0.0,)}, "std"),
        ({"std": (1.0, 1.0)}, "std"),
        ({"score_kind": "certainty"}, "score_kind"),
        ({"size": (8,)}, "size"),
        ({"novelty": NoveltyLimit((1.0, 0.0))}, "novelty"),
        (
            {"calibration": Calibration("platt", (1.0,), (0.0,)), "score_kind": "probability"},
            "calibration needs 2 numbers of scale and of bias",
        ),
        ({"score_kind": "probability"}, "score_kind is probability if, and only if"),
        ({"labels": (Label("a", operating_point=0.0), Label("b"))}, "point must be above 0"),
        ({"metrics": {"auc": {"mean": 0.9}}}, "metrics: each metric needs a value"),
        ({"metrics": {"auc": {"value": "0.9"}}}, "metrics: each metric needs a value"),
        ({"subgroups": {"sex=m": {"auc": {"value": 0.9, "low": 0.8}}}}, "sex=m: each metric needs"),
        ({"subgroups": {"sex=m": 0.9}}, "sex=m: each metric needs a value"),
        ({"evidence": {"inside": 0.5}}, "evidence: inside must hold"),
        ({"evidence": {"inside": {"cases": "many"}}}, "evidence: inside must hold"),
        ({"evidence": {"hiding": {"figures": [0.5]}}}, "evidence: hiding must hold"),
        ({"evidence": {"hiding": {"figures": {"deletion": 0.5}}}}, "evidence: hiding must hold"),
        ({"evidence": {"hiding": {"figures": {"random": {"value": "0"}}}}}, "hiding must hold"),
    ],
)
def test_an_inconsistent_card_is_refused(
    changes: dict[str, object], said: str, tmp_path: Path, make_card: Make
) -> None:
    write_card(make_card(**changes), tmp_path)

    assert said in refusal(tmp_path).message


@pytest.mark.parametrize("text", ["- name", "name", "null"])
def test_a_file_without_keys_is_not_a_card(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD_FILE).write_text(text)

    assert refusal(tmp_path).where == f"{tmp_path / CARD_FILE}:1"


def test_a_binary_task_has_one_output_and_two_names(make_card: Make) -> None:
    card = make_card(task="binary")

    assert (card.outputs, card.names) == (1, ("dark", "bright"))


def test_channels_are_counted_from_the_mean(make_card: Make) -> None:
    assert make_card(mean=(0.1, 0.2, 0.3)).channels == 3


def test_the_weights_of_the_card_pass_and_others_do_not(tmp_path: Path, make_card: Make) -> None:
    (tmp_path / WEIGHTS_FILE).write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    check_digest(make_card(digest=digest), tmp_path)

    with pytest.raises(WeightsError, match="SHA-256 differ"):
        check_digest(make_card(digest=digest[::-1]), tmp_path)


def test_missing_weights_are_named(tmp_path: Path, make_card: Make) -> None:
    with pytest.raises(WeightsError, match=r"model\.safetensors: cannot be read"):
        check_digest(make_card(), tmp_path)


@pytest.mark.parametrize("told", ["title", "licence", "operating_rule"])
def test_descriptive_fields_determine_no_answer(make_card: Make, told: str) -> None:
    assert make_card(**{told: "other words"}).deciding() == make_card().deciding()
    assert make_card(name="another").deciding() != make_card().deciding()
