"""Answers that an earlier recipe, model or plugin gave, and that are given anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope.ledger import Ledger
from diascope.outdated import outdated_warnings
from diascope.sample import Failed, Found, Item, Prediction
from tests.runs import Ended, write_pictures

FACTS: dict[str, Any] = {
    "recipe": {"read": "auto", "preprocess": ["grey"]},
    "run": {"coverage": None},
    "plugins": [("preprocessing", "grey", "acme", "1.0", "acme:Grey")],
    "card": {"digest": "ab"},
}


def warned(folder: Path, digest: str, **changed: Any) -> list[str]:
    """Return the warnings of a run over one item, whose answer is then recorded."""
    ledger = Ledger(folder / "ledger.sqlite", digest)
    item = Item("a.png", "/photos/a.png")
    ledger.add_items([Found(item, "stamp")], retry=False)
    warnings = outdated_warnings(ledger, FACTS | changed)
    ledger.record([(Prediction(item, {"ill": 1.0}, "sigmoid", ("ill",)), "content")])
    ledger.close()
    return warnings


def test_only_answers_of_another_digest_give_a_warning(tmp_path: Path) -> None:
    assert warned(tmp_path, "one") == []
    assert warned(tmp_path, "one") == []
    (warning,) = warned(tmp_path, "two", recipe={"read": "auto", "preprocess": []})
    assert warning.startswith("1 item answered by an earlier run: classified again")
    assert "because of a change (preprocess); another folder" in warning


def test_an_answered_item_that_is_gone_is_not_announced(tmp_path: Path) -> None:
    warned(tmp_path, "one")
    ledger, item = Ledger(tmp_path / "ledger.sqlite", "two"), Item("a.png", "/photos/a.png")
    ledger.add_items([Found(item, "", Failed(item, "read", "", "gone"))], retry=False)

    assert outdated_warnings(ledger, FACTS) == []
    ledger.close()


def test_the_versions_of_a_plugins_package_are_named(tmp_path: Path) -> None:
    warned(tmp_path, "one")
    newer = [("preprocessing", "grey", "acme", "2.0", "acme:Grey")]
    (warning,) = warned(tmp_path, "two", plugins=newer, card={"digest": "cd"})
    assert "(the model's card, acme 1.0, now 2.0)" in warning
    (warning,) = warned(tmp_path, "three", plugins=[], card={"digest": "cd"})
    assert "(acme is gone)" in warning


def test_a_change_that_was_not_recorded_gives_a_general_warning(tmp_path: Path) -> None:
    warned(tmp_path, "one")
    (warning,) = warned(tmp_path, "two")
    assert "(recipe, model or a plugin's version)" in warning


def test_a_run_with_another_recipe_says_what_changed(
    command: Callable[..., Ended], recipe: Path, tmp_path: Path
) -> None:
    run = ("run", recipe, write_pictures(tmp_path / "photos", 2), "-o", tmp_path / "out")
    assert "answered by an earlier run" not in command(*run).err
    told = r"2 items answered by an earlier run: .* because of a change \(run.evidence\)"
    with pytest.warns(match=told):
        assert command(*run, "--set", "run.evidence=all").code == 0
