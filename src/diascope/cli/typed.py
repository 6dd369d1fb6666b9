"""The command as it was typed."""

import shlex
import sys
from pathlib import Path

from diascope.words import as_utf8


def typed() -> str:
    """Return the command, such as ``pipeline run derm.yaml photos/``, to be typed again.

    Who called it ``diascope`` may have another ``pipeline``.
    """
    name = "diascope" if Path(sys.argv[0]).stem == "diascope" else "pipeline"
    return as_utf8(shlex.join([name, *sys.argv[1:]]))
