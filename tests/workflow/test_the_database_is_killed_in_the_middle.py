"""A pass under real Cylc whose MariaDB is killed and started again: nothing is lost, nothing is there twice.

Its password is in the environment alone, and in no file, output or command line of Hydra or Cylc.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.final_state import assert_same, final_state
from tests.own_cylc import OwnCylc, wait_until
from tests.own_mariadb import OwnMariaDB, own_mariadb
from tests.small_pass import FIRST, LAST, PASS, RUNS, SmallPass, small_pass

pytestmark = [pytest.mark.workflow, pytest.mark.services, pytest.mark.faults, pytest.mark.timeout(1200)]
PLAYED = RUNS[:2]
WAITING = "does not answer; trying again in"


@dataclass(frozen=True)
class Knowing(OwnCylc):
    """Commands that know the password of the database."""

    password: str

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "HYDRA_DB_PASSWORD": self.password}


@pytest.fixture(scope="module")
def knowing(cylc: OwnCylc, server: OwnMariaDB) -> OwnCylc:
    return Knowing(cylc.home, server.password)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMariaDB]:
    with own_mariadb(tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def disturbed(
    knowing: OwnCylc, server: OwnMariaDB, files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallPass]:
    database = {"url": server.bare_url(server.new_database())}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYDRA_DB_PASSWORD", server.password)
        made = small_pass(tmp_path_factory.mktemp("killed-database"), "killed-database", database=database)
    made.bring(files, PLAYED)
    yield made
    made.engine.dispose()
    if knowing.scheduler(made.workflow):
        knowing.kill_scheduler(made.workflow)


def command_lines() -> str:
    """Return what every process of this user was started with, and may be seen by everybody."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def errors_of_jobs(cylc: OwnCylc, workflow: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (cylc.folder(workflow) / "log" / "job").rglob("job.err")]


def with_text(folder: Path, text: str) -> list[Path]:
    """Return the files below a folder in which some text stands."""
    wanted = text.encode()
    return [path for path in folder.rglob("*") if path.is_file() and wanted in path.read_bytes()]


def test_nothing_is_lost_or_doubled_and_the_password_is_nowhere(
    knowing: OwnCylc, server: OwnMariaDB, disturbed: SmallPass, files: Path, tmp_path: Path
) -> None:
    by_hand = small_pass(tmp_path / "by-hand", "by-hand")
    by_hand.enter()
    by_hand.bring(files, PLAYED)
    by_hand.by_hand(PLAYED)

    said = [knowing.hydra(disturbed.folder, "pass", "create", PASS, "--runs", f"{FIRST}:{LAST}")]
    said.append(knowing.hydra(disturbed.folder, "arrive", PASS, *map(str, PLAYED)))
    wait_until(lambda: knowing.job(disturbed.workflow, PLAYED[0], "classify_shard0").begun, "the first run is at work")
    server.kill()
    seen: list[str] = []

    def somebody_waits() -> bool:
        seen.append(command_lines())
        return any(WAITING in log for log in errors_of_jobs(knowing, disturbed.workflow))

    wait_until(somebody_waits, "a job meets that the server is away")
    server.start()
    done = {(str(run), "publish_run") for run in PLAYED}
    wait_until(lambda: done <= knowing.done(disturbed.workflow), "every run is published")
    said.append(knowing.hydra(disturbed.folder, "pass", "status", PASS))
    assert f"{len(PLAYED)} of {len(PLAYED)} runs published" in said[-1]
    assert_same(final_state(disturbed.root, disturbed.engine), final_state(by_hand.root))
    said.append(knowing.hydra(disturbed.folder, "fsck"))
    assert "everything agrees, 0 lost" in said[-1]

    assert not [log for log in errors_of_jobs(knowing, disturbed.workflow) if "Traceback" in log]
    # The look at the processes has seen jobs: it would have seen the password.
    assert "classify_shard0" in "".join(seen)
    assert server.password not in "".join(seen)
    assert server.password not in "".join(said)
    for folder in (disturbed.root, knowing.home):
        assert with_text(folder, server.password) == []
