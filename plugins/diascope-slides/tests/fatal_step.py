"""A step that records each tile and kills its own run at a given one.

`test_run.py` installs this file as a distribution of its own.
"""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from diascope.sample import Sample


@dataclass
class FatalStep:
    """Writes the number of each tile on a separate line.

    Args:
        log: the file that the lines are added to; as text, because the content of a ``Path`` is
            part of the run's digest.
    """

    log: str
    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        if str(sample.frame) == os.environ.get("DEADLY_TILE"):
            worker = multiprocessing.parent_process() is not None
            os.kill(os.getppid() if worker else os.getpid(), signal.SIGKILL)
        with Path(self.log).open("a") as file:
            file.write(f"{sample.frame}\n")
        return sample
