from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hydra_core.cli import job
from hydra_core.stages.context import Outcome

ENVIRONMENT = {"CYLC_WORKFLOW_ID": "hydra/p/v1", "CYLC_TASK_JOB": "11/judge/01", "CYLC_TASK_NAME": "judge"}


@pytest.mark.parametrize("outputs", [(), ("images",), ("clean", "good"), ("flagged", "bad", "maps_ready")])
def test_all_outputs_are_told_at_once_with_the_names_of_workflow_and_job(
    outputs: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more than two arguments Cylc takes the first two for these names."""
    told = tmp_path / "told"
    cylc = tmp_path / "cylc"
    cylc.write_text(f"#!{sys.executable}\nimport sys\nopen({str(told)!r}, 'a').write(' '.join(sys.argv[1:]))\n")
    cylc.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(job, "_context", lambda: None)
    monkeypatch.setattr(job, "run_stage", lambda *_: Outcome("run 11: done", outputs))
    assert job.run_job(lambda _context: Outcome("")) == 0
    said = told.read_text(encoding="utf-8") if told.exists() else ""
    assert said == (f"message -- hydra/p/v1 11/judge/01 {' '.join(outputs)}" if outputs else "")
