from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.training

_JUDGES = """
import json, os, sys
from pathlib import Path
os.environ.update({"CUDA_VISIBLE_DEVICES": ""})
from hydra_core.models.precision import judge_of
from hydra_core.models.trusted import read_folder
judge = judge_of(read_folder(Path(sys.argv[1]), for_training=False), threads=1, engine="auto")
print(json.dumps([name for name in ("tensorflow", "keras", "h5py") if name in sys.modules]))
"""


def test_a_job_without_a_gpu_never_imports_tensorflow(trained: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _JUDGES, trained.result.folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
