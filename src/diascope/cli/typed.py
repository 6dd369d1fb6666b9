"""The command as it was typed."""

import shlex
import sys

from diascope.words import as_utf8


def typed() -> str:
    """Return the command, such as ``pipeline run derm.yaml photos/``, to be typed again."""
    return as_utf8(shlex.join(["pipeline", *sys.argv[1:]]))
