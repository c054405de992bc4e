"""Node ``close_pass``: the last thing that a pass does."""

from __future__ import annotations

from pathlib import Path

from hydra_core.stages.context import open_site
from hydra_core.store.ledger import get_pass, set_pass_state
from hydra_core.store.session import reading, writing


def close_pass(given: str | Path | None, pass_name: str) -> str:
    """Mark a pass as closed: no run can arrive any more."""
    _, engine = open_site(given)
    with reading(engine) as connection:
        row = get_pass(connection, pass_name)
    writing(engine, lambda connection: set_pass_state(connection, row.id, "closed"))
    return f"the pass {pass_name} is closed"
