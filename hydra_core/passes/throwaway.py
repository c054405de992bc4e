"""Sites that a command makes by itself, for the demo and for a folder of images: everything below one folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy.engine import Engine

from hydra_core.base.files import sha256_bytes, write_text
from hydra_core.base.names import slug
from hydra_core.base.words import toml_value
from hydra_core.config.load import load_site, shipped
from hydra_core.config.plots import PlotClass, PlotType
from hydra_core.config.site import Site
from hydra_core.intake.histograms.propose import plot_entry
from hydra_core.store.session import site_engine
from hydra_core.store.upgrade import upgrade


def workflow_prefix(kind: str, folder: Path) -> str:
    """Return a Cylc name that belongs to this folder alone: two clones never meet."""
    return f"{kind}/{slug(folder.name)[:30]}-{sha256_bytes(str(folder.resolve()).encode())[:6]}"


def make_site(
    folder: Path,
    *,
    name: str,
    experiment: str,
    sections: Mapping[str, Mapping[str, object]],
    plots: Sequence[PlotType],
    classes: Sequence[PlotClass],
) -> Site:
    """Write ``site-config/NAME`` below `folder` and read it; it is written anew each time, so it fits this program.

    Parameters
    ----------
    sections
        Further tables of ``site.toml``: section -> key -> value (text, number, truth value or list of them).
    """
    target = folder / "site-config" / name
    tables: dict[str, Mapping[str, object]] = {
        "site": {"name": name, "experiment": experiment},
        "paths": {"data_root": "../.."},
        **sections,
    }
    text = "# Written by Hydra for this folder; a copy of it is a start for a site of your own.\n"
    for table, values in tables.items():
        text += f"\n[{table}]\n" + "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())
    write_text(target / "site.toml", text)
    write_text(target / "plots.toml", _plots(plots, classes))
    for file in ("people.toml", "farm.cylc"):
        write_text(target / file, (shipped("site-config") / "demo" / file).read_text(encoding="utf-8"))
    return load_site(target)


def open_database(site: Site) -> tuple[Engine, bool]:
    """Open a site's database and bring it up to date; the flag says whether it is new."""
    fresh = not (site.root / "hydra.sqlite").exists()
    engine = site_engine(site)
    upgrade(engine)
    return engine, fresh


def _plots(plots: Iterable[PlotType], classes: Iterable[PlotClass]) -> str:
    text = "# The classes that a plot can have, and the plot types.\n"
    for known in classes:
        text += "\n[[class]]\n" + "".join(f"{key} = {toml_value(value)}\n" for key, value in known.model_dump().items())
    for plot in plots:
        text += "\n" + plot_entry(plot)
    return text
