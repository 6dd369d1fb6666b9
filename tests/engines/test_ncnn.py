"""Export to ncnn: a graph that ncnn cannot execute is not stored."""

import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pnnx
import pytest

from diascope.engines.ncnn import NcnnEngine
from diascope.engines.ncnn_graph import export_ncnn
from tests.engines.networks import classifier

MAKE = "#!/bin/sh\n"
UNKNOWN = (
    MAKE + "printf '7767517\\n1 1\\nNobodys a 0 1 a\\n' > graph.ncnn.param; : > graph.ncnn.bin\n"
)
CRASH = MAKE + "echo no such operation >&2; kill -SEGV $$\n"
FULL = """
import resource, sys
from pathlib import Path
from diascope.engines.ncnn_graph import export_ncnn
from tests.engines.networks import classifier
made = classifier("convnet")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
export_ncnn(*made, Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [(UNKNOWN, "exited with 1.*an unsupported layer"), (CRASH, "exited with -11")],
)
def test_a_graph_that_cannot_be_exported_or_executed_is_not_written(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pnnx"
    program.write_text(script)
    program.chmod(stat.S_IRWXU)
    monkeypatch.setattr(pnnx, "EXEC_PATH", str(program))
    with pytest.raises(RuntimeError, match=f"(?s){said}"):
        export_ncnn(*classifier("convnet"), tmp_path / "graph.param")
    assert not (tmp_path / "graph.param").exists()


def test_a_users_file_named_like_a_library_is_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('no library')")
    monkeypatch.chdir(tmp_path)
    export_ncnn(*classifier("convnet"), tmp_path / "graph.param")
    assert (tmp_path / "graph.param").exists()


def test_a_full_disk_is_reported_and_does_not_end_the_process(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "graph.param"], capture_output=True, text=True
    )
    assert "OSError: [Errno 27] File too large" in ended.stderr


def test_a_damaged_graph_is_reported(tmp_path: Path) -> None:
    network, card = classifier("convnet")
    export_ncnn(network, card, tmp_path / "graph.param")
    (tmp_path / "graph.bin").write_bytes((tmp_path / "graph.bin").read_bytes()[:100])
    with pytest.raises(RuntimeError, match="damaged"):
        NcnnEngine(tmp_path / "graph.param", np.zeros(3, np.float32))
