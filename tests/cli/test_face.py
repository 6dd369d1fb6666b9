"""The command line: help, JSON output, completion and errors."""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import metadata
from pathlib import Path

import click
import pytest

from diascope import extras
from diascope.card import Label, read_card, write_card
from diascope.cli import completion, doctor, pipeline
from diascope.cli.command_line import typed_command
from tests.runs import Ended, write_pictures

Command = Callable[..., Ended]
VERBS = pipeline.list_commands(click.Context(pipeline))


def test_help_lists_all_verbs(command: Command) -> None:
    listed = command("--help").out.partition("Commands:")[2].split()
    assert set(VERBS) <= set(listed)


def test_help_says_that_it_is_not_a_medical_device(command: Command) -> None:
    assert "Not a medical device" in command("--help").out


@pytest.mark.parametrize(
    "verb",
    [*VERBS, "models list", "models show", "plugins list", "plugins show"],
)
def test_the_help_of_every_verb_has_an_example(command: Command, verb: str) -> None:
    example = command(*verb.split(), "--help").out.partition("Examples:")[2]
    assert f"pipeline {verb.split()[0]}" in example


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_truncates_no_text(command: Command, verb: str) -> None:
    assert "...\n" not in command(verb, "--help").out.partition("\n")[2]


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_help_text(verb: str) -> None:
    called = pipeline.get_command(click.Context(pipeline), verb)
    commands = list(called.commands.values()) if isinstance(called, click.Group) else [called]
    options = [each for command in commands for each in command.params]
    bare = [each.name for each in options if isinstance(each, click.Option) and not each.help]
    assert bare == []


def test_a_warning_is_printed_once_and_without_its_source_line(command: Command) -> None:
    command("--version")
    told = [warnings.formatwarning("torn", UserWarning, "step.py", 8) for _ in range(2)]
    assert told == ["warning: torn\n", ""]


def test_a_missing_temporary_folder_is_an_error_with_a_hint_only_if_one_is_needed(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_pictures(tmp_path / "photos", 5)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    needless = command("run", recipe, photos, "-o", tmp_path / "alone")
    needing = command("run", recipe, photos, "-o", tmp_path / "several", "--workers", 2)

    assert needless.code == 0, needless.err
    assert (needing.code, "Set TMPDIR" in needing.err) == (2, True)


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "diascope", "--version"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith("pipeline, version")


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/bin/diascope", "diascope"),
        ("/bin/pipeline", "pipeline"),
        ("/lib/diascope/__main__.py", "pipeline"),
    ],
)
def test_a_command_is_quoted_with_the_program_name_that_was_called(
    monkeypatch: pytest.MonkeyPatch, called: str, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", [called, "run", "my derm.yaml"])
    assert typed_command() == f"{name} run 'my derm.yaml'"


def test_plugins_list_is_one_json_document(command: Command) -> None:
    plugins = json.loads(command("plugins", "list", "--kind", "reader", "--json").out)
    by_name = {plugin["name"]: plugin for plugin in plugins}
    assert {"image", "video"} <= by_name.keys()
    assert by_name["image"]["state"] == "ok"
    assert by_name["image"]["distribution"] == "diascope"


def test_plugins_show_is_one_json_document_with_the_parameters(command: Command) -> None:
    shown = json.loads(command("plugins", "show", "video", "--json").out)
    assert shown["kind"] == "reader"
    assert shown["parameters"] == [
        {"name": "frames_per_second", "type": "a number above 0", "default": "1.0"}
    ]


def test_plugins_show_writes_a_path_as_a_recipe_does(command: Command) -> None:
    shown = command("plugins", "show", "derm-lesion").out
    assert "  weights: a path = '/" in shown


def test_models_list_is_one_json_document(command: Command) -> None:
    listed = json.loads(command("models", "list", "--json").out)
    assert "classifier" in [row["name"] for row in listed]


def test_models_show_is_the_card_as_one_json_document(command: Command, tiny_weights: Path) -> None:
    card = json.loads(command("models", "show", tiny_weights, "--json").out)
    assert [label["name"] for label in card["labels"]] == ["red", "green", "blue"]
    assert len(card["digest"]) == 64


def test_models_show_prints_what_matters_for_its_use(command: Command, tiny_weights: Path) -> None:
    shown = command("models", "show", tiny_weights).out
    for words in ("32x32 pixels", "multiclass", "red", "Metrics", "Limits"):
        assert words in shown
    assert shown.index("Limits") < shown.index("Metrics")  # which may be hundreds of lines


def test_models_show_aligns_columns_with_long_names(command: Command, tiny_weights: Path) -> None:
    names = ("auc_red", "sensitivity_at_specificity_80_green")
    card = replace(read_card(tiny_weights), metrics={name: {"value": 0.5} for name in names})
    labels = Label("red", title="Red"), Label("a-long-name", title="Long")
    write_card(replace(card, labels=labels), tiny_weights)
    shown = command("models", "show", tiny_weights).out.splitlines()
    assert len({line.index("0.500") for line in shown if "0.500" in line}) == 1
    assert {"  red          Red", "  a-long-name  Long"} <= {line.rstrip() for line in shown}


def test_models_list_has_no_gap_where_a_model_has_no_title(command: Command) -> None:
    assert "classifier  (diascope)" in command("models", "list").out.splitlines()


def test_plugins_show_takes_a_recipe_by_both_of_its_names(command: Command) -> None:
    shown = command("plugins", "show", "derm.yaml")
    assert shown.code == 0
    assert shown.out == command("plugins", "show", "derm").out


def test_doctor_is_one_json_document(command: Command) -> None:
    findings = json.loads(command("doctor", "--json").out)
    assert {"versions", "devices", "extras", "plugins", "broken"} <= findings.keys()
    assert findings["extras"]["s3"]["install"] == 'pip install "diascope[s3]"'
    assert findings["devices"][0] == "cpu"
    every = set(metadata("diascope").get_all("Provides-Extra") or ())
    assert set(findings["extras"]) == every - {"examples", "test"}


def test_doctor_reports_an_extra_as_missing_if_one_of_its_modules_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda module: module != "imagehash")
    assert [name for name, extra in doctor._extras().items() if not extra["installed"]] == ["train"]


def test_doctor_lists_no_device_if_torch_lacks_a_library(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.12: cannot open')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += "from diascope.cli import doctor; print(doctor._devices())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_check_is_one_json_document(command: Command, recipe: Path, tmp_path: Path) -> None:
    photos = write_pictures(tmp_path / "photos", 2)
    told = json.loads(command("check", recipe, photos, "--json").out)
    assert (told["found"], told["read"], told["problems"]) == (2, 2, [])
    assert told["recipe"]["preprocess"] == [{"resize": {"size": 32}}]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion_script(command: Command, shell: str) -> None:
    script = command("completion", shell).out
    assert f"_PIPELINE_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_command_by_the_name_that_was_called(
    command: Command, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setattr(completion, "program_name", lambda: "diascope")
    script = command("completion", shell).out
    assert "_diascope_completion" in script
    assert f"_PIPELINE_COMPLETE={shell}_complete" in script  # what the command looks for


@pytest.mark.parametrize(
    "words",
    [
        *(f"{verb} 0" for verb in ("run", "check", "train", "evaluate", "explain", "quantise")),
        "run derm.yaml 0",
        "run derm.yaml --output 0",
        "explain derm.yaml 0",
        "quantise derm.yaml 0",
        "models show 0",
    ],
)
def test_a_shell_is_told_where_to_complete_the_names_of_files(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("_PIPELINE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"pipeline {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    assert command().out == "file,0\n"


def test_no_color_leaves_out_the_escapes_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty", reason="there are no pseudo terminals here")

    def shown() -> bytes:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "diascope", "plugins", "list", "--kind", "executor"]
        subprocess.run(command, stdout=theirs, check=True)
        os.close(theirs)
        text = os.read(ours, 65536)
        os.close(ours)
        assert b"local" in text
        return text

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert b"\x1b[" in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b[" not in shown()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["plugins", "show", "imagee"], "Did you mean 'image'?"),
        (["models", "show", "nothing"], "no model plugin named 'nothing'"),
        (["models", "show", "classifier"], "classifier needs weights (a path)"),
        (["check", "nowhere.yaml"], "no such file"),
        (["train", "nowhere.yaml"], "no such file"),
        (["completion", "basic"], "'basic'"),
        (["dance"], "dance"),
    ],
)
def test_a_refusal_goes_to_stderr_with_2_and_no_traceback(
    command: Command, arguments: list[str], told: str
) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert told in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        ("run", "-o"),
        ("train", "-o"),
        ("evaluate", "-o"),
        ("explain", "-o"),
        ("evaluate", "--compare"),
    ],
)
def test_an_option_with_an_empty_name_is_refused(
    command: Command, recipe: Path, tmp_path: Path, verb: str, option: str
) -> None:
    ended = command(verb, recipe, "--set", f"output={tmp_path / 'own'}", option, "")
    assert ended.code == 2
    assert "it is empty. Was a variable of the shell not set?" in ended.err


def test_a_recipe_error_names_the_line(command: Command, recipe: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("model: classifier\nread: auto\nreed: auto\n")
    ended = command("check", wrong)
    assert ended.code == 2
    assert f"{wrong}:3: unknown key 'reed'" in ended.err
    assert "Did you mean 'read'?" in ended.err
