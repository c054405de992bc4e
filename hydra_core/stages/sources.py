"""Which files belong to a run: by the site's naming rules, or by a listing that says it outright."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError
from sqlalchemy.engine import Connection

from hydra_core.base.errors import ConfigError, HydraError
from hydra_core.config.site import NamingRuleSection, Site
from hydra_core.intake.listing import Listing, read_listing
from hydra_core.intake.naming import DEFAULT_RULES, Naming, NamingRule
from hydra_core.intake.presets import preset_rules
from hydra_core.intake.scan import RunFiles, Scan, scan, scan_run
from hydra_core.store.ledger import find_run_entry


@dataclass(frozen=True)
class RunSource:
    """What is needed to find the files of a run.

    Attributes
    ----------
    number
        Its number in the pass.
    name
        What people call it.
    folder
        Where its files lie below the source, if the ledger gave it its number; else empty: then the number is its own.
    """

    number: int
    name: str = ""
    folder: str = ""


def rules_of(site: Site) -> Naming | Listing:
    """Return what tells this site's file names apart.

    Raises
    ------
    ConfigError
        When a preset is not known, or a rule cannot be used.
    """
    intake = site.settings.intake
    if intake.listing is not None:
        return read_listing(site.root / intake.listing)
    where = site.folder / "site.toml"
    try:
        rules = preset_rules(intake.presets)
    except HydraError as error:
        raise ConfigError(f"{where}: intake.presets: {error.cause}", next_step=error.next_step) from error
    rules += tuple(_rule(rule, where) for rule in intake.rules)
    return Naming(rules or DEFAULT_RULES, intake.leave)


def _rule(section: NamingRuleSection, where: Path) -> NamingRule:
    try:
        return NamingRule(**section.model_dump())
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{where}: intake.rule: {section.name!r}: {why}", next_step="mend that rule") from error


def run_source(connection: Connection, pass_id: int, number: int) -> RunSource:
    """Return where the files of a run are found: as the ledger has it, else by its own number."""
    entry = find_run_entry(connection, pass_id, number)
    return RunSource(number, entry.name, entry.folder) if entry else RunSource(number)


def look_at_run(site: Site, root: Path, source: RunSource | int, rules: Naming | Listing | None = None) -> RunFiles:
    """Return the files of one run, how many are still too young to be read, and the folder that holds them all.

    Parameters
    ----------
    source
        From `run_source`; a number alone stands for a run with a number of its own.
    rules
        From `rules_of`; who asks for many runs gives them, for a listing is read anew each time.
    """
    wanted = RunSource(source) if isinstance(source, int) else source
    namer, settle_s = rules or rules_of(site), site.settings.intake.settle_s
    if not wanted.folder:
        keys: list[int | str] = [wanted.number]
    else:
        # A run whose own number was mapped has that number as its name.
        keys = [wanted.name, *([int(wanted.name)] if wanted.name.isascii() and wanted.name.isdigit() else [])]
    below = PurePosixPath(wanted.folder or ".")
    for key in reversed(keys):
        found = scan_run(root, key, namer, settle_s=settle_s, below=below)
        if found.runs:
            return found.runs[0]
    return RunFiles(None if wanted.folder else wanted.number, wanted.name or str(wanted.number), (), 0, below)


def scan_all(site: Site, root: Path) -> Scan:
    """Look at the whole of a source folder."""
    return scan(root, rules_of(site), settle_s=site.settings.intake.settle_s)
