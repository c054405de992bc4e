"""Which network is trained for a plot type, and in which form blocks keep pictures for it."""

from __future__ import annotations

from hydra_core.config.farm import trains_on_gpus
from hydra_core.config.plots import PlotType
from hydra_core.config.site import Site
from hydra_core.models.default_network import Choice, choose
from hydra_core.models.gpu import sees_gpu


def chosen_network(site: Site, entry: PlotType | None = None) -> Choice:
    """Return the network that is trained here for a plot type, or for one that says nothing where `entry` is None.

    What plot type or site name is kept; else it depends on whether trainings have a GPU.
    """
    settings = site.settings.training
    seen = entry.input if entry else None
    return choose(
        (entry.network if entry else None) or settings.network,
        (seen.size if seen else None) or settings.size,
        gpu=sees_gpu(),
        farm=trains_on_gpus(_farm(site)),
    )


def _farm(site: Site) -> str:
    try:
        return (site.folder / "farm.cylc").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
