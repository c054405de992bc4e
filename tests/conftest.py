"""Which tests can run on this machine, said in words and counted; and what every tier shares."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

# The machine may be busy: how long one example takes says nothing about the code. By hand each run tries other
# examples, so that few are enough; continuous integration tries the same ones each time.
settings.register_profile("hydra", deadline=None, max_examples=40)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "hydra")

# Pictures are drawn into files; no window is ever opened.
os.environ.setdefault("MPLBACKEND", "Agg")


def services_folder() -> Path:
    """Return the folder in which ``make services`` keeps its state."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return Path(os.environ.get("HYDRA_SERVICES_DIR") or state / "hydra-services")


def find_mariadb() -> str | None:
    """Return the URL of the MariaDB server for tests, without a database name; None where nothing listens."""
    url = os.environ.get("HYDRA_TEST_MYSQL_URL", "")
    recorded = services_folder() / "mariadb.url"
    if not url and recorded.exists():
        url = recorded.read_text(encoding="utf-8").strip()
    address = urlsplit(url)
    if not address.hostname:
        return None
    try:
        socket.create_connection((address.hostname, address.port or 3306), timeout=2).close()
    except OSError:
        return None
    return url


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome; ``HYDRA_CHROMIUM`` names one that is not on PATH."""
    names = (os.environ.get("HYDRA_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, filter(None, names))), None)


@dataclass(frozen=True)
class Tier:
    """Tests with the marker `marker` are left out when `lacks` says what is missing.

    A tier of `services` must not be left out where ``HYDRA_REQUIRE_SERVICES=1`` promises that all services are there.
    """

    marker: str
    lacks: Callable[[pytest.Config], str]
    service: bool = False


def _real_data_lacks(_: pytest.Config) -> str:
    folder = os.environ.get("HYDRA_REAL_DATA", "")
    if not folder:
        return "HYDRA_REAL_DATA names no folder of real detector data"
    return "" if Path(folder).is_dir() else f"HYDRA_REAL_DATA={folder} is not a folder"


TIERS = (
    Tier("bench", lambda config: "" if "bench" in config.option.markexpr else "they measure; make bench runs them"),
    Tier("real_data", _real_data_lacks),
    Tier("services", lambda _: "" if find_mariadb() else "no MariaDB answers; make services starts one", service=True),
    Tier("browser", lambda _: "" if find_chromium() else "there is no Chromium; make services brings it", service=True),
    Tier("workflow", lambda _: "" if shutil.which("rsync") else "there is no rsync; install it", service=True),
)

_LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Stop before any test where every service is promised and one is not there."""
    if os.environ.get("HYDRA_REQUIRE_SERVICES", "") in {"", "0"}:
        return
    missing = [reason for tier in TIERS if tier.service and (reason := tier.lacks(config))]
    if missing:
        raise pytest.UsageError(f"HYDRA_REQUIRE_SERVICES is set, but {'; '.join(missing)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out the tests whose tier cannot run here, and remember how many and why."""
    left_out = config.stash.setdefault(_LEFT_OUT, [])
    for tier in TIERS:
        concerned = [item for item in items if item.get_closest_marker(tier.marker)]
        reason = tier.lacks(config) if concerned else ""
        if not reason:
            continue
        items[:] = [item for item in items if not item.get_closest_marker(tier.marker)]
        config.hook.pytest_deselected(items=concerned)
        left_out.append(f"not run: {len(concerned)} tests marked {tier.marker}, because {reason}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal the files of `unit`, `stages` and `recovery` to whichever worker is free.

    Those of `training` go to one worker, since loading TensorFlow costs as much as a hundred tests. All others go to
    one worker too: they share a played demo or a server, and two at a time would take each other's processor.
    """
    from xdist.scheduler import LoadScopeScheduling

    class FileByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            tier = file.removeprefix("tests/").partition("/")[0]
            return {"unit": file, "stages": file, "recovery": file, "training": tier}.get(tier, "together")

    return FileByFile(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the process that prints know what a worker of it left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(_LEFT_OUT, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker left out; all of them left out the same."""
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", [])


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say before the first test what will not be run."""
    return config.stash.get(_LEFT_OUT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it again where the reader looks after the last test."""
    for sentence in config.stash.get(_LEFT_OUT, []):
        terminalreporter.write_line(sentence, yellow=True)


@pytest.fixture(scope="session")
def mariadb_server_url() -> str:
    """Return the URL of MariaDB without a database name; only for tests marked ``services``."""
    url = find_mariadb()
    assert url, "this test lacks the marker 'services'"
    return url


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser; only for tests marked ``browser``."""
    path = find_chromium()
    assert path, "this test lacks the marker 'browser'"
    return path
