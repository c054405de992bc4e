"""A job that needs no network and no drawing must not pay for them (seconds each)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TASKS = Path(__file__).parents[3] / "tasks"

# Runs in an interpreter of its own: what this one has imported already says nothing.
SCRIPT = """
import importlib, json, pkgutil, sys
import hydra_core
names = [m.name for m in pkgutil.walk_packages(hydra_core.__path__, "hydra_core.")]
names = [n for n in names if not n.endswith(".__main__") and ".migrations." not in n]
for name in names:
    importlib.import_module(name)
heavy = ("tensorflow", "keras", "sklearn", "pandas", "openvino", "matplotlib", "cylc")
print(json.dumps({"modules": len(names), "heavy": [name for name in heavy if name in sys.modules]}))
"""


def test_importing_all_of_hydra_loads_none_of_them() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["modules"] > 5
    assert seen["heavy"] == []


def test_no_job_pays_for_the_mapping_of_objects() -> None:
    jobs = sorted(TASKS.glob("*.py"))
    script = f"""
import runpy, sys
for path in {[str(path) for path in jobs]}:
    runpy.run_path(path, run_name="job")
print([name for name in sys.modules if name.startswith(("sqlalchemy.sql", "sqlalchemy.orm"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sqlalchemy.sql" in done.stdout
    assert "sqlalchemy.orm" not in done.stdout
