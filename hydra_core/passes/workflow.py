"""Writing the source of a pass's workflow: the shipped graph, the site's platforms, the settings of the pass."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path

from hydra_core.base.errors import ConfigError
from hydra_core.base.files import write_text
from hydra_core.base.names import safe_join
from hydra_core.config.load import shipped
from hydra_core.config.site import Site
from hydra_core.passes.platforms import refuse_file_for_other_machines
from hydra_core.passes.scheduler import bin_folder
from hydra_core.store.ledger import PassRow

#: Characters that have a meaning in flow.cylc or in the shell of a job.
_FORBIDDEN = frozenset('"$`#\\\n\r%{}')


def source_folder(site: Site, row: PassRow) -> Path:
    """Return where the workflow source of a pass is kept."""
    return safe_join(site.root / "workflows", *row.workflow.split("/"))


def closed_mark(site: Site, row: PassRow) -> Path:
    """Return the file that ends a pass."""
    return safe_join(site.root / "passes", *row.name.split("/"), "CLOSED")


def write_source(site: Site, row: PassRow) -> Path:
    """Write, or bring up to date, the workflow source of a pass; return its folder.

    Raises
    ------
    ConfigError
        When the site does not say where jobs run, or they run where its database cannot be used.
    """
    farm = site.folder / "farm.cylc"
    if not farm.exists():
        raise ConfigError(
            f"{farm} is missing: it says where jobs run", next_step="copy the one of site-config/demo and change it"
        )
    refuse_file_for_other_machines(site, farm.read_text(encoding="utf-8", errors="replace"))
    target = source_folder(site, row)
    target.mkdir(parents=True, exist_ok=True)
    _copy(shipped("flow.cylc"), target / "flow.cylc")
    for name in ("flow", "tasks"):
        (target / name).mkdir(exist_ok=True)
        for path in sorted(shipped(name).iterdir()):
            if path.suffix in (".cylc", ".py") and path.name != "settings.cylc":
                _copy(path, target / name / path.name)
    _copy(farm, target / "site-config" / site.name / "farm.cylc")
    write_text(target / "flow" / "settings.cylc", _settings(site, row))
    return target


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _settings(site: Site, row: PassRow) -> str:
    values: dict[str, str | int] = {
        "SITE": site.name,
        "PASS": row.name,
        "HYDRA_SITE": str(site.folder),
        "HYDRA_PYTHON": sys.executable,
        "HYDRA_BIN": str(bin_folder()),
        "HYDRA_HOST": socket.gethostname(),
        "FIRST_RUN": row.first_run,
        "LAST_RUN": row.last_run,
        "SHARDS": site.settings.cylc.shards,
        "RETRY_DELAYS": site.settings.cylc.retry_delays,
        "POLL_EVERY": site.settings.cylc.poll_every,
        "CLOSED_MARK": str(closed_mark(site, row)),
    }
    for name, value in values.items():
        wrong = _FORBIDDEN & set(str(value))
        if wrong:
            raise ConfigError(
                f"{name} is {value!r}, and {' '.join(sorted(wrong))} cannot be used there",
                next_step="use a path without such characters",
            )
    lines = [f"{{% set {name} = {json.dumps(value, ensure_ascii=False)} %}}" for name, value in values.items()]
    return "{# Written by 'hydra pass create'; changes here are lost. #}\n" + "\n".join(lines) + "\n"
