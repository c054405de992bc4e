"""Where things lie in a site, and how one page names another."""

from __future__ import annotations

from pathlib import Path

from hydra_core.base.names import slug

#: Runs in one index shard; a run's block is ``run // BLOCK_SIZE``.
BLOCK_SIZE = 1000
_TAKEN = frozenset({"runs", "blocks"})


def pass_href(pass_name: str) -> str:
    """Return the folder of a pass relative to the site: ``passes/2026-01/ver02``.

    A part named like a folder that every pass has gets a ``~``, which no other name can end with.
    """
    parts = [slug(part) for part in pass_name.split("/") if part] or [slug("")]
    return "/".join(["passes", *(f"{part}~" if part in _TAKEN else part for part in parts)])


def run_href(pass_name: str, run: int) -> str:
    """Return the folder of a run relative to the site."""
    return f"{pass_href(pass_name)}/runs/{run}"


def revision_href(pass_name: str, run: int, revision: int) -> str:
    """Return the folder of a run revision relative to the site."""
    return f"{run_href(pass_name, run)}/r{revision}"


def root_of(href: str) -> str:
    """Return how a page in the folder `href` names the site: ``../../``, or nothing for the site itself."""
    return "../" * len(Path(href).parts)
