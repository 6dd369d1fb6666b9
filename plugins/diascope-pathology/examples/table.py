"""Write the training tables from LC25000's labels: ``all.csv``, ``colon.csv`` and ``lung.csv``.

    python examples/table.py LC25000_FOLDER OUTPUT_FOLDER

The folder holds a ``labels.csv`` with path, label and group, where a group is a source tile: its
pictures are copies of each other, turned and mirrored. A group is on the same side in all three
tables, for the heads stand on the backbone that was trained on all of it.
"""

import csv
import hashlib
import sys
from pathlib import Path

COLUMNS = ("path", "label", "group", "split")
LABELS = {
    "all": {name: name for name in ("colon_aca", "colon_n", "lung_aca", "lung_n", "lung_scc")},
    "colon": {"colon_n": "benign", "colon_aca": "adenocarcinoma"},
    "lung": {
        "lung_n": "benign",
        "lung_aca": "adenocarcinoma",
        "lung_scc": "squamous-cell-carcinoma",
    },
}
"""The labels of each table, by those of LC25000."""


def side(group: str) -> str:
    """Return the split of a group, by its name alone: 70, 15 and 15 of a hundred groups."""
    share = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    return "train" if share < 0.70 else "validation" if share < 0.85 else "test"


def main() -> None:
    source, output = map(Path, sys.argv[1:])
    with (source / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    output.mkdir(parents=True, exist_ok=True)
    for table, labels in LABELS.items():
        with (output / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in rows:
                if row["label"] in labels:
                    path = source.resolve() / row["path"]
                    writer.writerow([path, labels[row["label"]], row["group"], side(row["group"])])


if __name__ == "__main__":
    main()
