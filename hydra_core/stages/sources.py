"""Which files belong to a run: by the site's naming rules, or by a listing that says it outright."""

from __future__ import annotations

from pathlib import Path

from hydra_core.base.errors import ConfigError
from hydra_core.config.site import Site
from hydra_core.intake.listing import read_listing
from hydra_core.intake.naming import DEFAULT_RULES, NamingRule
from hydra_core.intake.scan import Namer, Scan, SourceFile, scan, scan_run


def rules_of(site: Site) -> tuple[NamingRule, ...] | Namer:
    """Return what tells this site's file names apart."""
    intake = site.settings.intake
    if intake.listing is not None:
        return read_listing(site.root / intake.listing)
    if not intake.rules:
        return DEFAULT_RULES
    try:
        return tuple(NamingRule(**rule.model_dump()) for rule in intake.rules)
    except ValueError as error:
        raise ConfigError(f"{site.folder / 'site.toml'}: intake.rule: {error}", next_step="mend the pattern") from error


def files_of_run(site: Site, root: Path, run: int) -> tuple[tuple[SourceFile, ...], int]:
    """Return the files of one run, and how many more are still too young to be read."""
    found = scan_run(root, run, rules_of(site), settle_s=site.settings.intake.settle_s)
    for entry in found.runs:
        if entry.run == run:
            return entry.files, entry.waiting
    return (), 0


def scan_all(site: Site, root: Path) -> Scan:
    """Look at the whole of a source folder."""
    return scan(root, rules_of(site), settle_s=site.settings.intake.settle_s)
