"""``hydra plots propose``: from the histograms of a file to entries of ``plots.toml`` that a person goes through."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any

from hydra_core.base.errors import HydraError
from hydra_core.base.files import write_text
from hydra_core.config.load import load_site
from hydra_core.intake.histograms.propose import merge_proposal, propose
from hydra_core.intake.histograms.reader import FileContent, read_histograms
from hydra_core.intake.listing import Listing
from hydra_core.intake.naming import Naming, ParsedName
from hydra_core.stages.sources import rules_of


def add_action(actions: Any) -> None:
    """Add ``propose`` to the actions of ``hydra plots``."""
    action = actions.add_parser("propose", help="write entries of plots.toml for the histograms of a file")
    action.add_argument("file", metavar="FILE", type=Path, help="a ROOT or HDF5 file of a good run")
    action.add_argument("--out", type=Path, help="the plots.toml to write, or to append to (default: the terminal)")
    action.add_argument("--take", metavar="GLOB", action="append", help="only histograms whose path fits; repeatable")
    action.add_argument("--leave", metavar="GLOB", action="append", default=[], help="but not these; repeatable")
    action.add_argument("--prefix", help="what stands before the names (default: as the naming rules say)")
    kind = action.add_mutually_exclusive_group()
    kind.add_argument("--chunked", action="store_true", help="the plots come once a chunk")
    kind.add_argument("--once", action="store_true", help="the plots come once a run")
    action.set_defaults(command=_propose)


def _propose(given: argparse.Namespace) -> int:
    file: Path = given.file.absolute()
    parsed = _named(given.site, file)
    prefix = given.prefix if given.prefix is not None else (parsed.plot.name if parsed else "")
    chunked = given.chunked or (not given.once and parsed is not None and parsed.plot.chunked)
    content = _content(file, tuple(given.take or ("*",)), tuple(given.leave))
    found = [(one.path, one.class_name, one.hist) for one in content.histograms]
    for problem in content.problems:
        print(f"{problem.path or file.name}: {problem.reason}", file=sys.stderr)
    if given.out is None:
        print(propose(found, prefix=prefix, chunked=chunked), end="")
        return 0
    existing = given.out.read_text(encoding="utf-8") if given.out.exists() else ""
    text = merge_proposal(existing, found, prefix=prefix, chunked=chunked)
    write_text(given.out, text)
    added = text.count("\n[[plot]]") - existing.count("\n[[plot]]")
    print(f"{given.out}: {added} plot types added, of {len(found)} histograms; go through it before you use it")
    return 0


def _content(file: Path, take: tuple[str, ...], leave: tuple[str, ...]) -> FileContent:
    content = read_histograms(file.parent, PurePosixPath(file.name), take=take, leave=leave)
    if content.problem or not content.histograms:
        raise HydraError(
            f"{file}: {content.problem or f'no histogram fits ({content.left} others are there)'}",
            next_step="name a ROOT or HDF5 file with histograms, or give other patterns",
        )
    return content


def _named(site_folder: str | None, file: Path) -> ParsedName | None:
    """Return what the naming rules of the site, if one is given, say of the file."""
    naming: Naming | Listing = Naming()
    relative = PurePosixPath(file.parent.name) / file.name
    if site_folder or os.environ.get("HYDRA_SITE"):
        site = load_site(site_folder)
        naming = rules_of(site)
        if file.is_relative_to(site.intake):
            relative = PurePosixPath(file.relative_to(site.intake))
    parsed = naming(relative)
    return parsed if isinstance(parsed, ParsedName) else None
