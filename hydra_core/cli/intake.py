"""``hydra intake explain``: how files and folders are read, with the site's rules or with a preset."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hydra_core.base.errors import DatabaseError, HydraError
from hydra_core.cli.output import table
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.intake.explain import Explanation, Group, explain_file, summarise
from hydra_core.intake.images import ImageLimits
from hydra_core.intake.naming import METADATA_NAME, Naming, ParsedName, Unmatched
from hydra_core.intake.presets import PRESETS, preset_rules
from hydra_core.intake.scan import Namer, printable, scan
from hydra_core.stages.sources import rules_of
from hydra_core.store.ledger import all_passes
from hydra_core.store.session import check_version, reading, site_engine

_LINES = 12


@dataclass(frozen=True)
class _Surroundings:
    """With what paths are explained: rules, where sources lie, and the site, if there is one."""

    namer: Namer
    root: Path | None
    sources: tuple[Path, ...]
    site: Site | None


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    group = commands.add_parser("intake", help="look at how files are read")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    explain = actions.add_parser("explain", help="which rule takes a file or the files of a folder, or why none does")
    explain.add_argument("paths", metavar="PATH", nargs="*", help="a folder, or a file, which need not exist")
    explain.add_argument("--root", type=Path, help="the source folder that paths are taken relative to")
    explain.add_argument(
        "--preset", action="append", default=[], help="try this preset instead of the site's rules; may be repeated"
    )
    explain.add_argument("--presets", action="store_true", help="list the presets with examples")
    explain.set_defaults(command=_explain)


def _explain(given: argparse.Namespace) -> int:
    if given.presets:
        _print_presets()
        return 0
    if not given.paths:
        raise HydraError("no path was given", next_step="name a file or a folder, or list the presets with --presets")
    around = _surroundings(given)
    taken = [_one(around, text) for text in given.paths]
    return 0 if all(taken) else 8


def _surroundings(given: argparse.Namespace) -> _Surroundings:
    site, sources = _site(given)
    if given.preset:
        namer: Namer = Naming(preset_rules(given.preset))
    else:
        namer = rules_of(site) if site else Naming()
    root = _absolute(given.root) if given.root else None
    return _Surroundings(namer, root, sources, site)


def _site(given: argparse.Namespace) -> tuple[Site | None, tuple[Path, ...]]:
    """Return the site and the folders of its images; rules can be tried without a site, and without a database."""
    if not given.site and not os.environ.get("HYDRA_SITE"):
        return None, ()
    site = load_site(given.site)
    sources = [site.intake]
    try:
        engine = site_engine(site)
        check_version(engine, patience_s=0)
        with reading(engine) as connection:
            sources += [Path(row.source) for row in all_passes(connection)]
    except DatabaseError:
        # The sources of passes are a convenience that is not waited for; names can be explained without a database.
        pass
    return site, tuple(dict.fromkeys(sources))


def _absolute(path: str | Path) -> Path:
    """Return an absolute path without ``..``; links in it stay, so that they can be told."""
    return Path(os.path.normpath(Path(path).absolute()))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink()
    except (OSError, ValueError):
        return False


def _place(around: _Surroundings, text: str) -> tuple[Path, PurePosixPath]:
    """Return the source folder that a path belongs to, and the path below it."""
    if around.root is not None:
        path = _absolute(around.root / text)
        if path.is_relative_to(around.root):
            return around.root, PurePosixPath(path.relative_to(around.root))
        raise HydraError(f"{text} is outside {around.root}", next_step="give another --root")
    path = _absolute(text)
    above = [source for source in around.sources if path.is_relative_to(source)]
    if above:
        root = max(above, key=lambda source: len(source.parts))
        return root, PurePosixPath(path.relative_to(root))
    if not os.path.lexists(path) and not Path(text).is_absolute():
        there = next((source for source in around.sources if os.path.lexists(source / text)), None)
        if there is not None and ".." not in Path(text).parts:
            return there, PurePosixPath(text)
    here = Path.cwd()
    if path.is_relative_to(here):
        return here, PurePosixPath(path.relative_to(here))
    return (
        (path, PurePosixPath()) if path.is_dir() else (Path(path.anchor), PurePosixPath(path.relative_to(path.anchor)))
    )


def _one(around: _Surroundings, text: str) -> bool:
    root, relative = _place(around, text)
    settle_s = around.site.settings.intake.settle_s if around.site else 0.0
    if _is_folder(root / relative) or not relative.parts:
        return _folder(around, root, relative, settle_s)
    limits = ImageLimits()
    if around.site:
        intake = around.site.settings.intake
        limits = ImageLimits(max_bytes=intake.max_bytes, max_pixels=intake.max_pixels)
    found = explain_file(root, relative, around.namer, settle_s=settle_s, limits=limits)
    _print_file(around, root, found)
    return found.taken or relative.name == METADATA_NAME


def _print_file(around: _Surroundings, root: Path, found: Explanation) -> None:
    print(f"{printable(found.relative)}  (below {root})")
    if found.relative.name == METADATA_NAME:
        print("  conditions for its folder and everything below, not a plot")
        return
    rows: list[tuple[str, str]] = []
    if isinstance(found.found, ParsedName):
        rows += _said(around, found.found, found)
    else:
        rows.append(("not taken", found.found.reason))
    if found.problem:
        rows.append(("not taken" if found.taken is False else "note", found.problem))
    if found.content:
        rows.append(("content", found.content))
    rows += [("metadata", words) for words in found.conditions]
    for name, words in rows:
        print(f"  {name:<10} {words}")
    if isinstance(found.found, Unmatched):
        for trial in found.trials:
            print(f"  tried {trial.rule.name} ({trial.rule.description or trial.rule.pattern}): {trial.outcome}")


def _said(around: _Surroundings, name: ParsedName, found: Explanation) -> list[tuple[str, str]]:
    fitting = next((trial.rule for trial in found.trials if trial.fits), None)
    rows = [("rule", f"{name.rule}: {fitting.description}" if fitting and fitting.description else name.rule)]
    if name.run is None:
        rows.append(("run", f"{name.run_name}: the ledger gives it a number when it arrives"))
    else:
        rows.append(
            ("run", f"{name.run}" if name.run_name == str(name.run) else f"{name.run}, shown as {name.run_name}")
        )
    if name.reads == "images":
        rows.append(("plot type", f"{name.plot}{_known(around, name)}"))
    else:
        prefix = f"put before their names: {name.plot.name}/" if name.plot.name else "under their own names"
        rows.append(("reads", f"histograms, {prefix}"))
    if name.stamp is not None:
        rows.append(("chunk", f"the rank of {name.stamp:%Y-%m-%d %H:%M:%S} among the times of its run, from 0"))
    elif name.chunk is not None:
        rows.append(("chunk", str(name.chunk)))
    rows += [(key, value) for key in ("pad", "period", "version") if (value := getattr(name, key)) is not None]
    return rows + [("fact", f"{key} = {value}") for key, value in sorted(name.facts.items())]


def _known(around: _Surroundings, name: ParsedName) -> str:
    if around.site is None:
        return ""
    known = any(plot.key == name.plot for plot in around.site.plots.plots)
    return ", in plots.toml" if known else ", not in plots.toml"


def _folder(around: _Surroundings, root: Path, relative: PurePosixPath, settle_s: float) -> bool:
    found = scan(root, around.namer, settle_s=settle_s, below=relative)
    told = summarise(found)
    print(f"{printable(relative)}  (below {root})")
    _print_groups("rule", told.rules)
    _print_groups("plot type", told.plots)
    _print_groups("run", told.runs)
    if told.waiting:
        print(f"{told.waiting} files may still be written: they are left for the next look")
    _print_groups("part of no run, because", told.unmatched)
    if not told.rules and not told.unmatched:
        print("no files")
    return not told.unmatched


def _print_groups(title: str, groups: Sequence[Group]) -> None:
    if not groups:
        return
    rows = [(group.name, str(group.count), group.examples[0] if group.examples else "-") for group in groups[:_LINES]]
    print(table((title, "files", "for instance"), rows))
    if len(groups) > _LINES:
        print(f"... {len(groups)} in all, to {groups[-1].name}")
    print()


def _print_presets() -> None:
    for preset in PRESETS.values():
        print(f"{preset.name}: {preset.description}")
        for rule in preset.rules:
            print(f"  {rule.name}: {rule.description}")
        for example in preset.examples:
            print(f"    {example.path}")
