"""The training table: what a source does not say is unknown, and a view tells nothing."""

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "examples/table.py"
KERMANY = """\
path,label,split,group,kind
a.jpeg,normal,train,im-1,
b.jpeg,pneumonia,train,person1,virus
c.jpeg,pneumonia,test,person1,virus
"""
NIH = """\
path,labels,group,view,age,sex
1.jpg,Edema|Pneumonia|Mass,7,AP,37,M
2.jpg,No Finding,7,AP,37,M
3.jpg,No Finding,8,AP,60,F
4.jpg,Pneumonia,9,PA,60,F
5.jpg,No Finding,10,PA,60,F
6.jpg,Nodule,11,PA,61,F
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("sources")
    for name, text in (("kermany", KERMANY), ("nih", NIH)):
        (folder / name).mkdir()
        (folder / name / "labels.csv").write_text(text)
    call = [sys.executable, SCRIPT, folder / "kermany", folder / "nih", folder / "chest.csv"]
    subprocess.run(list(map(str, call)), check=True)
    with (folder / "chest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_a_source_does_not_say_is_unknown(table: list[dict[str, str]]) -> None:
    masked = "|?infiltration|?atelectasis|?effusion|?edema"

    assert [row["labels"] for row in table] == [
        f"no-finding{masked}",
        f"pneumonia{masked}",
        f"pneumonia{masked}",
        "pneumonia|edema",
        "no-finding",
        "no-finding",
        "pneumonia",
        "no-finding",
        "",
    ]


def test_persons_of_the_two_parts_are_not_confused(table: list[dict[str, str]]) -> None:
    assert table[1]["group"] != table[2]["group"]
    assert table[3]["group"] == table[4]["group"]


def test_by_weight_pneumonia_is_as_frequent_in_either_view(table: list[dict[str, str]]) -> None:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in table[3:]:
        sums[row["view"]]["pneumonia" in row["labels"].split("|")] += float(row["weight"])
    well, sick = zip(*sums.values(), strict=True)

    assert sick[0] / well[0] == pytest.approx(sick[1] / well[1], rel=0.01)
