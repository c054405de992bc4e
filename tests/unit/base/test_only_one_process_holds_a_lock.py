from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hydra_core.base.errors import HydraError
from hydra_core.base.lock import alone

BUSY = HydraError("somebody else is at work", next_step="wait")

HOLDER = """
import sys
from pathlib import Path
from hydra_core.base.errors import HydraError
from hydra_core.base.lock import alone

with alone(Path(sys.argv[1]), HydraError("busy", next_step="wait")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "folder" / ".lock"
    with alone(path, BUSY), pytest.raises(HydraError, match="somebody else is at work"), alone(path, BUSY):
        pass
    with alone(path, BUSY):
        assert path.exists()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HydraError, match="somebody else"), alone(path, BUSY):
            pass
        holder.kill()
    with alone(path, BUSY):
        assert path.exists()
