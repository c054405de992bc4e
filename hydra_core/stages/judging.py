"""The judging set in force: rules, and the models that are live."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from hydra_core.config.site import Site
from hydra_core.intake.nodata import NODATA_RULE
from hydra_core.judge.rules import RULES_VERSION
from hydra_core.store.registry import JudgingSetRow, add_judging_set, newest_judging_set


def rules_in_force(site: Site) -> dict[str, object]:
    """Return everything but models that decides a verdict."""
    conditions = site.settings.conditions
    return {
        "rules": RULES_VERSION,
        "no_data": NODATA_RULE,
        "beam_key": conditions.beam_key,
        "beam_min": conditions.beam_min,
        "problem": sorted(known.name for known in site.plots.classes if known.problem),
        "normal": sorted(known.name for known in site.plots.classes if known.normal),
    }


def current_set(connection: Connection, site: Site) -> JudgingSetRow:
    """Return the newest judging set; the very first one, and one after a changed rule, is made here."""
    newest = newest_judging_set(connection)
    rules = rules_in_force(site)
    if newest is not None and dict(newest.rules) == rules:
        return newest
    reason = "the site's rules changed" if newest else "the first set of this database: rules, no model yet"
    return add_judging_set(connection, reason, rules)
