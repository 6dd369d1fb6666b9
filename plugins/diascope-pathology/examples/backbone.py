"""Take the backbone out of a trained network, for the package's models to stand on.

    python examples/backbone.py runs/pathology src/diascope_pathology/weights/backbone.safetensors

The first is the folder that ``pipeline train pathology-train.yaml`` wrote.
"""

import sys
from pathlib import Path

from safetensors.torch import load_file, save

from diascope.card import WEIGHTS_FILE

PREFIX = "backbone."


def main() -> None:
    folder, output = map(Path, sys.argv[1:])
    state = {
        name.removeprefix(PREFIX): tensor
        for name, tensor in load_file(folder / WEIGHTS_FILE).items()
        if name.startswith(PREFIX)
    }
    if not state:
        sys.exit(f"{folder} holds only a head; train with freeze_backbone: false")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(save(state))


if __name__ == "__main__":
    main()
