"""The demo, played for real: once undisturbed for all tests, and again by tests that disturb it."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.passes.demo import MONITORING
from hydra_core.passes.throwaway import workflow_prefix
from tests.own_cylc import OwnCylc, own_cylc
from tests.small_pass import PLAN, QUICK, demo_files

_PLAY = """
import json, sys
from pathlib import Path
from hydra_core.base.errors import HydraError
from hydra_core.passes.demo import run_demo
folder, cylc, sizes = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
try:
    result = run_demo(Path(folder), lambda line: print(line, flush=True), cylc=cylc, **sizes)
except HydraError as error:
    sys.exit(f"hydra: {error}")
print(json.dumps({"changed": result.changed, "runs": result.runs, "images": result.images, "flagged": result.flagged,
                  "unreadable": result.unreadable}))
"""
_SIZES = {"runs": len(PLAN.runs), "plot_types": sum(name != "Kinematics" for name in PLAN.names), "chunks": PLAN.chunks}


@dataclass(frozen=True)
class PlayedDemo:
    """A demo in its folder.

    Attributes
    ----------
    printed
        What the call that played it printed, and what it counted in the end.
    """

    root: Path
    printed: str
    counted: dict[str, int]
    seconds: float

    @property
    def site(self) -> Site:
        """The site that the demo made."""
        return load_site(self.root / "site-config" / "demo")

    @property
    def workflow(self) -> str:
        """The name of its pass in Cylc."""
        return f"{self.site.settings.cylc.workflow_prefix}/{MONITORING}"


def demo_folder(base: Path, name: str) -> Path:
    """Make a folder in which the demo's images are written already."""
    return Path(shutil.copytree(demo_files(base), base / name))


def demo_workflow(root: Path) -> str:
    """Return the name in Cylc of the demo in a folder, also before it has begun."""
    return f"{workflow_prefix('hydra-demo', root)}/{MONITORING}"


def start_demo(cylc: OwnCylc, root: Path) -> subprocess.Popen[str]:
    """Start the demo in a folder, or let it go on."""
    return cylc.start(sys.executable, "-c", _PLAY, str(root), json.dumps(QUICK), json.dumps(_SIZES))


def finish_demo(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a demo; return its exit code and everything it printed."""
    with process:
        printed, _ = process.communicate(timeout=1800)
    return process.returncode, printed


def play(cylc: OwnCylc, root: Path) -> PlayedDemo:
    """Play the demo in a folder to its end."""
    begun = time.monotonic()
    code, printed = finish_demo(start_demo(cylc, root))
    assert code == 0, printed
    return PlayedDemo(root, printed, json.loads(printed.splitlines()[-1]), time.monotonic() - begun)


@functools.cache
def played_demo(base: Path) -> PlayedDemo:
    """Play the demo once, undisturbed; other workflows of the same user lie beside it."""
    cylc = own_cylc(base)
    stranger = cylc.folder("somebody/else")
    (stranger / "log").mkdir(parents=True)
    (stranger / "flow.cylc").write_text("# not ours\n", encoding="utf-8")
    return play(cylc, demo_folder(base, "undisturbed"))
