"""No attribute of PS3.15 Table E.1-1 leaves a run; with ``privacy: strict`` no name does either."""

import json
import logging
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, examples
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage

from diascope.privacy import BURNED_IN, redact_record, redact_text, remove_paths
from diascope.pseudonyms import KEY_VARIABLE
from diascope.sample import Evidence, Failed, Item, Overview, Prediction, Regions
from tests.confidential import PLACE, WORD, attributes, leaks_in, leaks_of, mark
from tests.runs import Ended, rows, states, write_recipe

Command = Callable[..., Ended]
KEY = "a key of enough characters"
ENDS = {
    "broken": "failed",
    "burned": "ok",
    "compressed": "failed",
    "cut": "failed",
    "good": "ok",
    "letter": "failed",
    "odd": "ok",
    "other": "skipped",
    "report": "skipped",
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """A folder of marked files: good ones, some that fail, each elsewhere, some to be skipped."""
    folder = tmp_path / f"{PLACE}^JOHN"
    folder.mkdir()

    def write(name: str, dataset: Dataset) -> Path:
        path = folder / f"{PLACE}-{name}.dcm"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is marked against the standard
            dataset.save_as(path)
        return path

    def slice_(*, sound: bool = True) -> Dataset:
        return mark(dcmread(examples.get_path("ct")), sound=sound)

    write("good", slice_())
    write("odd", slice_(sound=False))
    for name, tags in {
        "burned": {"BurnedInAnnotation": "YES"},
        "broken": {"RescaleSlope": "0"},
        "other": {"Modality": "MR"},
    }.items():
        dataset = slice_()
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        write(name, dataset)
    report = slice_()
    del report.PixelData, report.Rows
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    write("report", report)
    for name, source in {"cut": examples.get_path("ct"), "compressed": _compressed()}.items():
        dataset = mark(dcmread(source))
        dataset.Modality = "CT"
        del dataset[0xFFFC, 0xFFFC]
        path = write(name, dataset)
        path.write_bytes(path.read_bytes()[:-2000])
    (folder / f"{PLACE}-letter.jpg").write_text(f"Dear Mrs {PLACE}, we have looked at your picture")
    return folder


def _compressed() -> Path:
    return Path(str(get_testdata_file("MR_small_jp2klossless.dcm", download=False)))


@pytest.fixture
def done(
    command: Command,
    tiny_weights: Path,
    patients: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> Callable[..., tuple[Path, str]]:
    """Return a function that runs the folder and returns the output folder and all messages."""

    def done(privacy: str, *arguments: object) -> tuple[Path, str]:
        accept, run = {"modality": ["CT"]}, {"workers": 0, "device": "cpu", "evidence": "all"}
        report = ["csv", "json", "html"]
        recipe = tmp_path / "recipe.yaml"
        write_recipe(recipe, tiny_weights, accept=accept, report=report, run=run, privacy=privacy)
        output = tmp_path / f"out-{privacy}"
        with caplog.at_level(logging.DEBUG):
            ended = command("run", recipe, patients, "-o", output, *arguments)
        assert ended.code == 1
        return output, ended.out + ended.err + caplog.text

    return done


Done = Callable[..., tuple[Path, str]]


def test_the_table_is_complete_and_every_attribute_is_marked(patients: Path) -> None:
    marked = dcmread(patients / f"{PLACE}-good.dcm")

    tags = [tag for tag, _ in attributes()]

    assert len(tags) == 652  # of 654, less two that stand in commands only
    assert [tag for tag in tags if tag not in marked and tag not in marked.file_meta] == []
    assert leaks_of(str(marked)) >= {WORD, "18470315", "424242.31337", "987Y"}


def test_without_strict_privacy_outputs_have_file_names_but_no_attributes(done: Done) -> None:
    output, said = done("none")

    assert {name: state for name, (state, _) in states(output).items()} == {
        f"{PLACE}-{name}.{'jpg' if name == 'letter' else 'dcm'}": end for name, end in ENDS.items()
    }
    assert leaks_in(output) == set()
    assert leaks_of(said) == set()


def test_with_strict_privacy_outputs_have_neither_attributes_nor_file_names(done: Done) -> None:
    output, said = done("strict")

    ends = sorted(state for state, _ in states(output).values())
    assert ends == sorted(ENDS.values())
    assert leaks_in(output) | leaks_in(output, [KEY]) == set()
    assert {file for file, _ in leaks_in(output, [PLACE])} == {"ledger.sqlite"}  # of the paths
    assert leaks_of(said) == set()
    assert PLACE not in said


def test_ids_have_twenty_digits_and_the_run_names_no_path(done: Done) -> None:
    output, _ = done("strict")

    run = json.loads((output / "run.json").read_text())
    assert all(re.fullmatch(r"[0-9a-f]{20}( \(\d+\))?", name) for name in states(output))
    assert (run["recipe"]["input"], run["recipe"]["output"]) == ([], None)
    assert run["command"] == run["inputs"][0] == "withheld (privacy: strict)"


def test_a_picture_with_burned_in_text_gives_a_warning_and_is_hidden_under_strict(
    done: Done,
) -> None:
    plain = _answers(done("none")[0])
    strict = _answers(done("strict")[0])

    told = [answer for answer in plain if BURNED_IN in answer["warnings"]]
    assert [answer["item"] for answer in told] == [f"{PLACE}-burned.dcm"]
    assert told[0]["evidence"] != []
    withheld = [answer for answer in strict if BURNED_IN in answer["warnings"]]
    assert [answer["evidence"] for answer in withheld] == [[]]
    assert withheld[0]["trace"][-1].startswith("picture and evidence withheld")
    assert all(answer["evidence"] for answer in strict if answer not in withheld)
    assert withheld[0]["scores"] == told[0]["scores"]


def _answers(output: Path) -> list[dict[str, object]]:
    lines = (output / "predictions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_strict_run_is_not_processed_again(done: Done, command: Command, patients: Path) -> None:
    first, _ = done("strict")
    before = rows(first / "predictions.csv")

    again, said = done("strict")

    assert "nothing was left to classify" in said
    assert rows(again / "predictions.csv") == before


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("no picture in /data/DOE^J/head.dcm", "no picture in ..."),
        ("DOE^J/head.dcm is cut", "... is cut"),
        ("head.dcm: its frame 1 is cut", "...: its frame 1 is cut"),
        ("/data/DOE^J is gone", "... is gone"),
        ("ValueError: no number: Doe", "ValueError, its words withheld (privacy: strict)"),
        ("error: no number: Doe", "error, its words withheld (privacy: strict)"),
        ("SystemExit: no number: Doe", "SystemExit, its words withheld (privacy: strict)"),
        ("it begins with 'Dear Mrs Doe'", "it begins with '...'"),
        ("no number: b'Doe'", "no number: '...'"),
        ("got {'name': 'Doe...", "got {'...': '...'"),
        ("the file's name is not the reader's", "the file's name is not the reader's"),
        ("body part is HEAD", "body part is HEAD"),
    ],
)
def test_a_redacted_reason_is_still_understandable(text: str, left: str) -> None:
    assert redact_text(text, Item("3f", "/data/DOE^J/head.dcm")) == left


@pytest.mark.parametrize("text", ["scans/doe.png is cut", "doe.png is cut", "/data/doe.zip is cut"])
def test_a_reason_names_no_file_of_an_archive(text: str) -> None:
    assert redact_text(text, Item("3f", "zip://scans/doe.png::/data/doe.zip")) == "... is cut"


def test_a_folder_name_in_an_archive_removes_no_words_from_a_reason() -> None:
    item = Item("3f", "zip://image/doe.png::/data/doe.zip")
    assert redact_text("the image is cut", item) == "the image is cut"


@pytest.mark.parametrize(
    "path",
    [r"C:\scans\Doe_Jane.dcm", "C:/scans/Doe_Jane.dcm", r"C:\\scans\\Doe_Jane.dcm", "Doe_Jane.dcm"],
)
def test_a_reason_names_no_file_of_windows_however_its_path_is_written(path: str) -> None:
    item = Item("3f", r"C:\scans\Doe_Jane.dcm")
    assert redact_text(f"{path} is cut", item) == "... is cut"


def test_a_backslash_in_a_name_hides_no_folder() -> None:
    item = Item("3f", r"/data/Doe_Jane/scan\1.png")
    for text in (r"Doe_Jane/scan\1.png is cut", "/data/Doe_Jane is cut", r"scan\1.png is cut"):
        assert remove_paths(text, item) == "... is cut"
    mixed = Item("3f", r"C:/scans/Doe_Jane\a.dcm")
    for text in (r"C:\scans\Doe_Jane\a.dcm is cut", "C:/scans/Doe_Jane is cut"):
        assert remove_paths(text, mixed) == "... is cut"


@pytest.mark.parametrize("before", ["", "it cannot be opened: "])
def test_error_texts_are_withheld_whatever_the_errors_name(before: str) -> None:
    item = Item("3f", "/data/head.dcm")

    told = redact_record(Failed(item, "read", "", f"{before}BadZipFile: no picture of Doe"))

    assert isinstance(told, Failed)
    assert told.reason == f"{before}BadZipFile, its words withheld (privacy: strict)"


def test_a_warning_of_a_model_names_no_file_and_a_trace_keeps_the_names_of_steps() -> None:
    item, warning = Item("3f", "/data/DOE^J/head.dcm"), "head.dcm is blurred"
    answer = Prediction(item, {}, "softmax", (), trace=("Sharpen: by 2",), warnings=(warning,))

    told = redact_record(answer)

    assert isinstance(told, Prediction)
    assert told.warnings == ("... is blurred",)
    assert told.trace == answer.trace


def test_a_warning_of_burned_in_text_stays_whatever_the_file_is_called() -> None:
    answer = Prediction(Item("3f", "/data/picture"), {}, "softmax", (), warnings=(BURNED_IN,))

    told = redact_record(answer)

    assert isinstance(told, Prediction)
    assert told.warnings == answer.warnings


def test_everything_that_shows_a_picture_with_burned_in_text_is_removed() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    boxes, scores = np.zeros((1, 4), np.int32), np.zeros((1, 1), np.float32)
    answer = Prediction(
        Item("3f", "/data/picture"),
        {"a": 0.5},
        "softmax",
        (),
        evidence=(Evidence("a", np.zeros((2, 2), np.float32), 0.0, 0.0),),
        preview=picture,
        warnings=(BURNED_IN,),
        overview=Overview(picture, np.ones((4, 4), bool), (4, 4)),
        regions=Regions(boxes, scores),
    )

    told = redact_record(answer)

    assert isinstance(told, Prediction)
    assert (told.preview, told.evidence, told.overview, told.regions) == (None, (), None, None)
    assert told.scores == answer.scores


def test_a_reason_quotes_no_signed_address() -> None:
    item = Item("3f", "https://host/data/doe.dcm?n=1&sig=secret")
    for text in (item.uri, "https://host/data/doe.dcm?n=1"):
        assert redact_text(f"{text} cannot be listed: 403", item) == "... cannot be listed: 403"
