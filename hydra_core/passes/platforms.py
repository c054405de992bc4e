"""Whether every job of a site runs on this machine: a database in one file cannot be shared with others."""

from __future__ import annotations

import re
import socket

from hydra_core.base.errors import ConfigError
from hydra_core.config.site import Site

_PLATFORM = re.compile(r"^\s*platform\s*=\s*([^#\n]+?)\s*(?:#.*)?$", re.MULTILINE)
_RUNS_HERE = frozenset({"background", "at"})


def named_platforms(farm: str) -> tuple[str, ...]:
    """Return the platforms that a ``farm.cylc`` names; those that only Cylc can work out are left out."""
    return tuple(dict.fromkeys(name for name in _PLATFORM.findall(farm) if not {"{", "$"} & set(name)))


def is_here(platform: str) -> bool:
    """Whether the jobs of a platform run on this machine, as Cylc's own configuration has it."""
    names = {"localhost", socket.gethostname(), socket.getfqdn()}
    if platform in names:
        return True
    from cylc.flow.exceptions import CylcError
    from cylc.flow.platforms import get_platform

    try:
        found = get_platform(platform)
    except CylcError:
        return False
    return found["job runner"] in _RUNS_HERE and set(found["hosts"]) <= names


def refuse_file_for_other_machines(site: Site, farm: str) -> None:
    """Stop where jobs of a site run elsewhere and its database is SQLite.

    Raises
    ------
    ConfigError
        Naming the platforms.
    """
    if not site.database_url.startswith("sqlite"):
        return
    elsewhere = [name for name in named_platforms(farm) if not is_here(name)]
    if elsewhere:
        raise ConfigError(
            f"{site.folder / 'farm.cylc'} lets jobs run on {', '.join(elsewhere)}, "
            "and the database is an SQLite file, which only this machine may use",
            next_step="give a MariaDB or MySQL server as database.url, or let the jobs run on localhost",
        )
