"""One training of a plot type at a time, and none that its owner has left for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection, Engine

from hydra_core.base.errors import HydraError
from hydra_core.base.lock import alone
from hydra_core.base.names import PlotKey
from hydra_core.config.site import Site
from hydra_core.store.registry import claim_training, forget_claims
from hydra_core.store.session import writing


class BeingTrainedError(HydraError):
    """Another process trains this plot type at this moment."""


@contextmanager
def claimed(site: Site, engine: Engine, plot: PlotKey, plot_type_id: int, mark: int, owner: str) -> Iterator[bool]:
    """Hold the trainings of a plot type; the value is False where the one from `mark` labels is done already.

    A lock file says who is alive: the kernel frees it when the process ends, however it ends. Whoever holds it knows
    that nobody works on what is claimed any more, and takes its place.

    Parameters
    ----------
    mark
        Number of labels of archived images that the training starts from.
    owner
        Pass and run of the task, or who asks by hand.

    Raises
    ------
    BeingTrainedError
        When another process holds them.
    """
    folder = site.model_folder(plot, "any").parent
    busy = BeingTrainedError(
        f"{plot} is being trained by another process",
        next_step="wait for it; 'hydra models list' shows what came of it",
    )

    def claim(connection: Connection) -> bool:
        forget_claims(connection, plot_type_id)
        return claim_training(connection, plot_type_id, mark, owner)

    with alone(folder / ".training.lock", busy):
        yield writing(engine, claim)
