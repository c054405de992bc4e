"""How far a pass is, told by a command that waits for it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy.engine import Engine

from hydra_core.base.telling import Tell
from hydra_core.base.words import time_left
from hydra_core.store.ledger import STATES, PassRow, count_runs, unfinished
from hydra_core.store.session import reading

#: How long nothing may be told before what is at work is named.
QUIET_S = 25.0
#: How many tasks at work are named.
NAMED = 4
#: So many steps of runs must have been done while waiting before the time left is estimated from them.
FEWEST = 8


class Standing:
    """What was told of a pass so far, and what is worth telling next.

    Parameters
    ----------
    progress
        Receives the lines.
    """

    def __init__(self, engine: Engine, row: PassRow, progress: Tell) -> None:
        self._engine, self._row, self._progress = engine, row, progress
        self._begun = self._told = time.monotonic()
        self._steps: int | None = None
        self._said = ""

    def tell(self, line: str) -> None:
        """Tell a line of another kind; while there are such lines, there is no silence to break."""
        self._told = time.monotonic()
        self._progress(line)

    def look(self, busy: Sequence[str]) -> None:
        """Tell how many runs are published when that changed, and after a silence also what is at work.

        Parameters
        ----------
        busy
            The tasks at work (``run/name``).
        """
        with reading(self._engine) as connection:
            wanted, _ = count_runs(connection, self._row.id)
            waiting = unfinished(connection, self._row.id)
        # Runs are under way side by side: what is done of each says more than how many are done.
        steps = sum(len(STATES) - 1 - STATES.index(one.state) for one in waiting)
        line = f"{wanted - len(waiting)} of {wanted} runs published"
        if not waiting and any(task.endswith("/retrain") for task in busy):
            line += "; a training goes on"
        if self._steps is None:
            self._steps = steps
            # Who waits for something else than runs is not told that none is missing.
            self._said = "" if waiting else line
        if line != self._said:
            self._said = line
            self.tell(line + self._left(steps))
        elif busy and time.monotonic() - self._told > QUIET_S:
            named = f"{', '.join(busy[:NAMED])}{' and more' if len(busy) > NAMED else ''}"
            self.tell(f"{line}{self._left(steps)}; at work: {named}" if waiting else f"at work: {named}")

    def _left(self, steps: int) -> str:
        made = (self._steps or 0) - steps
        if not steps or made < FEWEST:
            return ""
        return f", {time_left(steps * (time.monotonic() - self._begun) / made)}"
