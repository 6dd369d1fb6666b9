"""Write the training table of chest-findings from Kermany's and NIH's labels.

    python examples/table.py KERMANY_FOLDER NIH_FOLDER chest.csv

Neither source comes with the ``labels.csv`` that each folder must hold, as CSV with these columns:

- Kermany's: path; label (normal or pneumonia); split (train or test, the folder that it came in);
  group, the patient, as the file's name begins: ``im-0115``, ``normal2-im-0316``, ``person1``.
- NIH's: path; labels, the findings joined by bars, or ``No Finding``; group, the patient; view (PA
  or AP); age; sex.

Paths are relative to the folder. What a source does not say of a picture is unknown (``?name``),
not absent. Weights make view and pneumonia independent among adults, so that there is nothing to
gain from reading the view.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FINDINGS = ("Infiltration", "Atelectasis", "Effusion", "Edema")
ALIKE = {"normal2-im-0095": "normal2-im-0096"}  # the same picture under two numbers
COLUMNS = ("path", "labels", "group", "weight", "source", "view", "age", "sex")


def children(folder: Path) -> Iterator[dict[str, object]]:
    """Yield Kermany's rows: pneumonia or normal; of other findings nothing is known."""
    unknown = [f"?{name.lower()}" for name in FINDINGS]
    for row in rows(folder):
        known = "pneumonia" if row["label"] == "pneumonia" else "no-finding"
        person = ALIKE.get(row["group"], row["group"])
        yield {
            "path": folder.resolve() / row["path"],
            "labels": "|".join([known, *unknown]),
            "group": f"kermany-{row['split']}-{person}",  # numbers start again in each part
            "weight": 1,
            "source": "children",
        }


def adults(folder: Path) -> Iterator[dict[str, object]]:
    """Yield NIH's rows, weighted so that view and pneumonia are independent."""
    table = rows(folder)
    sick = ["Pneumonia" in row["labels"].split("|") for row in table]
    views = [row["view"] for row in table]
    pairs, of_view, of_label = Counter(zip(views, sick, strict=True)), Counter(views), Counter(sick)
    for row, view, label in zip(table, views, sick, strict=True):
        found = row["labels"].split("|")
        labels = [name.lower() for name in ("Pneumonia", *FINDINGS) if name in found]
        expected = of_view[view] * of_label[label] / len(table)
        yield {
            "path": folder.resolve() / row["path"],
            "labels": "|".join(labels or (["no-finding"] if "No Finding" in found else [])),
            "group": f"nih-{row['group']}",
            "weight": round(expected / pairs[view, label], 3),
            "source": "adults",
            **{name: row[name] for name in ("view", "age", "sex")},
        }


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> None:
    kermany, nih, output = map(Path, sys.argv[1:])
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(children(kermany))
        writer.writerows(adults(nih))


if __name__ == "__main__":
    main()
