"""Reading a site folder: ``site.toml``, ``plots.toml``, ``people.toml``."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from hydra_core.base.errors import ConfigError
from hydra_core.config.plots import PlotsFile, Strict
from hydra_core.config.site import PeopleFile, Site, SiteFile

#: Larger than any hand-written configuration; a bigger file is a mistake, not a site.
MAX_BYTES = 4 * 2**20
_Model = TypeVar("_Model", bound=Strict)
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def shipped(name: str) -> Path:
    """Return a file or folder that travels with Hydra (``flow``, ``templates``, …): in the wheel or in the clone."""
    package = Path(__file__).parent.parent
    installed = package / "_data" / name
    return installed if installed.exists() else package.parent / name


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_BYTES} bytes", next_step="check that it is the right file")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}",
            next_step="give the site's folder with --site, or set HYDRA_SITE",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", next_step="mend that line") from error


def _expand(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _expand(inner, path) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner, path) for inner in value]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"{path} names the variable {match[1]}, which is not set", next_step=f"export {match[1]}=…"
            )
        return found

    return _VARIABLE.sub(variable, value)


def _parse(kind: type[_Model], path: Path, raw: dict[str, Any]) -> _Model:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(f"{path}: {where}: {first['msg']}{more}", next_step="mend that setting") from error


def _no_twins(names: list[str], what: str, path: Path) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: {what} {name!r} is there twice", next_step="remove one of the two")


def find_site(given: str | Path | None) -> Path:
    """Return the folder of a site: a path, the name of a shipped one, or what HYDRA_SITE says."""
    text = str(given or os.environ.get("HYDRA_SITE") or "")
    if not text:
        raise ConfigError(
            "no site was given", next_step="give --site FOLDER or set HYDRA_SITE; site-config/demo is an example"
        )
    folder = Path(text).expanduser()
    if not folder.is_dir() and re.fullmatch(r"[A-Za-z0-9_-]+", text):
        folder = shipped("site-config") / text
    return folder.absolute()


def load_site(given: str | Path | None = None) -> Site:
    """Read and check a site folder.

    Raises
    ------
    ConfigError
        Naming the file, the key and what to do.
    """
    folder = find_site(given)
    raw = _expand(_read(folder / "site.toml"), folder / "site.toml")
    settings = _parse(SiteFile, folder / "site.toml", raw)
    try:
        root = (folder / settings.paths.data_root.expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{folder / 'site.toml'}: paths.data_root: {error}", next_step="mend that setting") from error
    settings = settings.model_copy(update={"paths": settings.paths.model_copy(update={"data_root": root})})
    plots_path, people_path = folder / "plots.toml", folder / "people.toml"
    plots = _parse(PlotsFile, plots_path, _read(plots_path) if plots_path.exists() else {})
    people = _parse(PeopleFile, people_path, _read(people_path) if people_path.exists() else {})
    _no_twins([str(plot.key) for plot in plots.plots], "plot type", plots_path)
    _no_twins([known.name for known in plots.classes], "class", plots_path)
    _no_twins([group.name for group in plots.groups], "group", plots_path)
    _no_twins([person.name for person in people.people], "person", people_path)
    return Site(folder=folder, settings=settings, plots=plots, people=people)
