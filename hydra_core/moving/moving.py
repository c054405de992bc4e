"""What every part of taking a database over works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Engine

from hydra_core.base.names import PlotKey
from hydra_core.base.telling import Tell
from hydra_core.config.site import Site
from hydra_core.moving.foreign import number_of
from hydra_core.moving.instants import Instants
from hydra_core.moving.original import Original, Row
from hydra_core.moving.outcome import Outcome
from hydra_core.moving.plot_types import TheirType
from hydra_core.store.schema import ONCE_A_RUN

_LONGEST_PERIOD = 190
_SIMULATED = "simulated"


@dataclass(frozen=True)
class Moving:
    """One database on its way into another.

    Attributes
    ----------
    import_id
        The row of this import.
    types, classes
        By their numbers there.
    rows
        Rows of plot types here.
    """

    site: Site
    engine: Engine
    original: Original
    import_id: int
    types: Mapping[int, TheirType]
    classes: Mapping[int, str]
    rows: Mapping[PlotKey, int]
    instants: Instants
    outcome: Outcome
    tell: Tell

    def place_of(self, row: Row) -> Place | None:
        """Return where a plot was seen, from a row with plot type, run and chunk; None where one of them is unknown."""
        theirs = self.types.get(number_of(row.get("plot_type")) or 0)
        run = number_of(row.get("run"))
        if theirs is None or run is None or run < 0:
            return None
        chunk = number_of(row.get("chunk")) if theirs.plot.chunked else None
        return Place(theirs, self.rows[theirs.plot], str(row.get("period") or ""), run, chunk)

    def class_of(self, row: Row) -> str:
        """Return the name of the class that a row names by its number; empty where there is none."""
        return self.classes.get(number_of(row.get("known")) or 0, "")


@dataclass(frozen=True)
class Place:
    """Where a plot was seen.

    Attributes
    ----------
    plot_type_id
        The row of the plot type here.
    period
        The start of the path of its image, up to the run number; of a simulated image (`run` 0) plot type and file
        name.
    chunk
        None for a plot of the whole run.
    """

    theirs: TheirType
    plot_type_id: int
    period: str
    run: int
    chunk: int | None

    @property
    def simulated(self) -> bool:
        """Whether it never came from a run."""
        return self.run == 0

    @property
    def kept_period(self) -> str:
        """As much of the period as the database keeps; the end of a long path says more than its start."""
        return self.period[-_LONGEST_PERIOD:]

    @property
    def kept_chunk(self) -> int:
        """The chunk as the database keeps it."""
        return ONCE_A_RUN if self.chunk is None else self.chunk

    def path(self, run_digits: int) -> str:
        """Return the path of its image there.

        Parameters
        ----------
        run_digits
            How many digits a run number has at least.
        """
        if self.simulated:
            return f"{_SIMULATED}/{self.period}.{self.theirs.file_type}"
        chunk = "" if self.chunk is None else f"_{self.chunk:04d}"
        return f"{self.period}{self.run:0{run_digits}d}/{self.theirs.name}{chunk}.{self.theirs.file_type}"
