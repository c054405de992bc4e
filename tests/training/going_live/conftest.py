"""A site with three models, copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection, Engine

from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.stages.judging import rules_in_force
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.registry import (
    ThresholdRow,
    add_judging_set,
    add_model,
    set_model_status,
)
from hydra_core.store.session import open_engine, writing
from tests.request_samples import a_database, a_site
from tests.store_samples import CDC
from tests.training.going_live.three_models import (
    CLASSES,
    MODELS,
    Said,
    change_card,
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, trained: Any) -> Path:
    """Return the folder of a site with three models of one plot type; the first is live."""
    folder = tmp_path_factory.mktemp("deployment") / "site"
    a_site(folder)
    with (folder / "site.toml").open("a", encoding="utf-8") as file:
        file.write("[training]\nproblem_required = false\nmin_macro_f1 = 0.5\n")
    site = load_site(folder)
    with a_database(site) as engine:
        for name, macro_f1 in MODELS.items():
            at = site.model_folder(CDC, name)
            at.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(trained.result.folder, at)
            identity = change_card(at, lambda card, value=macro_f1: card["test"].update(macro_f1=value))  # type: ignore[misc]

            def enter(connection: Connection, name: str = name, identity: str = identity) -> None:
                kind = plot_type_ids(connection, [CDC])[CDC]
                thresholds = [ThresholdRow(known, 0.5, "default: too few", 3) for known in CLASSES]
                model = add_model(connection, kind, name, identity, "tiny", thresholds, [])
                set_model_status(connection, model.id, "live" if name == "cdc-1" else "retired", "as it was made")
                add_judging_set(connection, f"{name} is there", rules_in_force(site))

            writing(engine, enter)
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Site:
    shutil.copytree(made, tmp_path / "site")
    return load_site(tmp_path / "site")


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    engine = open_engine(site.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def hydra(site: Site, engine: Engine, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command and gives its exit code and what it printed."""

    def run(*arguments: str) -> Said:
        code = main(["--site", str(site.folder), "models", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
