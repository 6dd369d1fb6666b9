"""The training tables: no source tile in two splits, and in the same split in all three."""

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "examples/table.py"
LABELS = ("colon_aca", "colon_n", "lung_aca", "lung_n", "lung_scc")
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("lc25000")
    lines = [
        f"{label}/{tile}-{copy}.jpeg,{label},{label}_{tile}"
        for label in LABELS
        for tile in range(200)
        for copy in range(2)
    ]
    (folder / "labels.csv").write_text("\n".join(["path,label,group", *lines]))
    subprocess.run([sys.executable, SCRIPT, folder, folder / "out"], check=True)
    found = {}
    for path in (folder / "out").iterdir():
        with path.open(newline="") as file:
            found[path.stem] = list(csv.DictReader(file))
    return found


def test_there_is_one_table_for_each_training(tables: dict[str, Rows]) -> None:
    labels = {name: {row["label"] for row in rows} for name, rows in tables.items()}

    assert labels == {
        "all": set(LABELS),
        "colon": {"benign", "adenocarcinoma"},
        "lung": {"benign", "adenocarcinoma", "squamous-cell-carcinoma"},
    }
    assert len(tables["all"]) == len(tables["colon"]) + len(tables["lung"])


def test_a_group_is_on_one_side_and_on_the_same_in_all_tables(tables: dict[str, Rows]) -> None:
    sides = defaultdict(set)
    for rows in tables.values():
        for row in rows:
            sides[row["group"]].add(row["split"])

    assert len(sides) == 1000
    assert all(len(found) == 1 for found in sides.values())


@pytest.mark.parametrize(("split", "share"), [("train", 0.7), ("validation", 0.15), ("test", 0.15)])
def test_the_sides_have_their_shares(tables: dict[str, Rows], split: str, share: float) -> None:
    taken = sum(row["split"] == split for row in tables["all"])

    assert taken / len(tables["all"]) == pytest.approx(share, abs=0.03)
