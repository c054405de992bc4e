"""``plots.toml`` and ``people.toml`` as they are written for a hall that moves in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra_core.base.errors import HydraError
from hydra_core.base.files import write_text
from hydra_core.base.words import toml_value
from hydra_core.config.groups import PlotGroup
from hydra_core.config.load import MAX_BYTES
from hydra_core.config.plots import PlotClass, PlotsFile, PlotType
from hydra_core.config.site import PeopleFile, Person

_HEAD = "# Taken over from a database of the original Hydra. From now on this file counts: edit it as you like.\n"


@dataclass(frozen=True)
class SiteFiles:
    """The two files: as text, and as they are read again."""

    plots_text: str
    people_text: str
    plots: PlotsFile
    people: PeopleFile


def site_files(
    classes: Sequence[PlotClass], plots: Sequence[PlotType], groups: Sequence[PlotGroup], people: Sequence[Person]
) -> SiteFiles:
    """Return the files that say what was read."""
    parts = [
        *(_table("class", {"name": one.name, "colour": one.colour, "problem": one.problem, "normal": one.normal})
          for one in classes),
        *(_table("plot", _plot(one)) for one in plots),
        *(_table("group", one.model_dump(exclude_defaults=True) | {"kind": one.kind}) for one in groups),
    ]  # fmt: skip
    plots_text = "\n".join((_HEAD, *parts))
    people_text = "\n".join((_HEAD, *(_table("person", one.model_dump()) for one in people)))
    return SiteFiles(
        plots_text,
        people_text,
        PlotsFile.model_validate(tomllib.loads(plots_text)),
        PeopleFile.model_validate(tomllib.loads(people_text)),
    )


def check_room(folder: Path, files: SiteFiles) -> None:
    """See that the files can be written into a folder without replacing others.

    Raises
    ------
    HydraError
        When one of them is there already and says something else, or is too large to be read again.
    """
    for path, text in _paths(folder, files):
        if len(text.encode("utf-8")) > MAX_BYTES:
            raise HydraError(
                f"{path.name} would be larger than {MAX_BYTES} bytes",
                next_step="shorten the descriptions of plot types in the original's database",
            )
        try:
            there = path.read_text(encoding="utf-8") if path.exists() else text
        except (OSError, UnicodeDecodeError):
            there = ""
        if there != text:
            raise HydraError(
                f"{path} is there already and says something else; it is not overwritten",
                next_step="give another folder with --write-site, or leave that option out",
            )


def write_site_files(folder: Path, files: SiteFiles) -> None:
    """Write the files; those that are there already stay."""
    for path, text in _paths(folder, files):
        if not path.exists():
            write_text(path, text)


def _paths(folder: Path, files: SiteFiles) -> Iterator[tuple[Path, str]]:
    yield folder / "plots.toml", files.plots_text
    yield folder / "people.toml", files.people_text


def _plot(plot: PlotType) -> dict[str, Any]:
    # Whether it is chunked is said in any case: it is half of what names the type.
    return {"name": plot.name, "chunked": plot.chunked} | plot.model_dump(exclude_defaults=True)


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = (
        f"{key} = {toml_value(list(value) if isinstance(value, tuple) else value)}" for key, value in values.items()
    )
    return "\n".join((f"[[{name}]]", *lines, ""))
