from __future__ import annotations

import threading
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from hydra_core.base.names import PlotKey
from hydra_core.config.plots import PlotsFile
from hydra_core.config.site import PathsSection, PeopleFile, Site, SiteFile, SiteSection
from hydra_core.store.directory import renew_directory, save_directory, stored_directory, told_directory
from hydra_core.store.plot_types import all_plot_types, known_types, plot_type_ids
from hydra_core.store.schema import PlotGroupRow
from hydra_core.store.session import reading, writing
from tests.store_samples import opened, sqlite_copy

PLOTS: dict[str, Any] = {
    "class": [
        {"name": "Good", "colour": "#1b9e77", "normal": True},
        {"name": "Bad", "colour": "#d43d1a", "problem": True},
        {"name": "Odd", "colour": "#000000"},
    ],
    "plot": [
        {"name": "CDC_time", "group": "CDC", "display": "CDC time", "contact": "ada", "description": "Drift time."},
        {"name": "CDC_time", "group": "CDC", "chunked": False, "classes": ["Bad", "Good"]},
        {"name": "FDC_hits", "group": "FDC"},
    ],
    "group": [
        {"name": "trackers", "kind": "working group", "groups": ["CDC", "FDC"]},
        {"name": "times", "kind": "quantity", "plots": ["*_time:chunks", "nothing like this"]},
    ],
}
PEOPLE: dict[str, Any] = {
    "person": [
        {"name": "Ada", "accounts": ["ada", "shift"], "roles": ["Admin", "Labeler"]},
        {"name": "Bob", "accounts": ["shift"], "plots": ["FDC*"]},
        {"name": "Cleo", "plots": ["nothing"]},
    ]
}
TIME, TIME_RUN, HITS = PlotKey("CDC_time", True), PlotKey("CDC_time", False), PlotKey("FDC_hits", True)
SEEN = PlotKey("TOF_time", True)


def a_site(plots: dict[str, Any] = PLOTS, people: dict[str, Any] = PEOPLE) -> Site:
    settings = SiteFile(site=SiteSection(name="a", experiment="A"), paths=PathsSection(data_root=Path("/nowhere")))
    return Site(
        folder=Path("/nowhere"),
        settings=settings,
        plots=PlotsFile.model_validate(plots),
        people=PeopleFile.model_validate(people),
    )


def saved(engine: Engine, site: Site) -> bool:
    return writing(engine, lambda connection: save_directory(connection, site))


def test_the_database_says_what_the_files_say(database_url: str) -> None:
    with opened(database_url) as engine:
        writing(engine, lambda connection: plot_type_ids(connection, [SEEN], new=[SEEN]))
        assert saved(engine, a_site())
        with reading(engine) as connection:
            found = stored_directory(connection)
            assert found == told_directory(a_site(), all_plot_types(connection))
    assert found.plots[TIME] == ("CDC time", "ada", "Drift time.")
    assert found.plots[SEEN] == ("", "", "")
    assert found.classes["Bad"] == ("#d43d1a", True, False, 1)
    assert found.valid == {("Good", TIME_RUN), ("Bad", TIME_RUN)}
    assert found.groups == {"CDC": "detector", "FDC": "detector", "trackers": "working group", "times": "quantity"}
    assert found.members == {("CDC", TIME), ("CDC", TIME_RUN), ("FDC", HITS), ("times", TIME), ("times", SEEN)}
    assert found.parents == {("CDC", "trackers"), ("FDC", "trackers")}
    assert found.people == {"Ada": True, "Bob": False, "Cleo": False}
    assert found.accounts == {("Ada", "ada"), ("Ada", "shift"), ("Bob", "shift")}
    assert found.roles == {("Ada", "Admin"), ("Ada", "Labeler"), ("Bob", "Labeler"), ("Cleo", "Labeler")}
    assert found.rights == {("Bob", HITS)}


def test_a_second_time_nothing_is_written(database_url: str) -> None:
    with opened(database_url) as engine:
        saved(engine, a_site())
        with reading(engine) as connection:
            before = all_rows(connection)
        written: list[str] = []

        @sa.event.listens_for(engine, "before_cursor_execute")
        def see(*arguments: Any) -> None:
            written.append(arguments[2])

        assert not saved(engine, a_site())
        renew_directory(engine, a_site())
        assert [text for text in written if not text.lstrip().startswith(("SELECT", "BEGIN", "PRAGMA", "SET"))] == []
        with reading(engine) as connection:
            assert all_rows(connection) == before


def all_rows(connection: Connection) -> list[tuple[Any, ...]]:
    """Return the rows of the groups and people with their numbers, which others may refer to."""
    return [tuple(row) for row in connection.execute(sa.select(PlotGroupRow.id, PlotGroupRow.name))]


def test_what_the_files_no_longer_say_goes_and_the_rest_keeps_its_rows(database_url: str) -> None:
    smaller = {**PLOTS, "class": PLOTS["class"][:2], "group": PLOTS["group"][:1], "plot": PLOTS["plot"][:2]}
    smaller["group"] = [{"name": "trackers", "kind": "detectors", "groups": ["CDC"]}]
    with opened(database_url) as engine:
        saved(engine, a_site())
        with reading(engine) as connection:
            before = {name: number for number, name in all_rows(connection)}
        saved(engine, a_site(smaller, {"person": PEOPLE["person"][1:]}))
        with reading(engine) as connection:
            after = {name: number for number, name in all_rows(connection)}
            found = stored_directory(connection)
            kinds = known_types(connection)
        assert after == {name: before[name] for name in ("CDC", "trackers")}
        assert found == told_directory(a_site(smaller, {"person": PEOPLE["person"][1:]}), kinds)
        # A plot type that was there once stays, since runs may have brought it.
        assert kinds[HITS].status == "active"
        saved(engine, a_site())
        with reading(engine) as connection:
            assert stored_directory(connection) == told_directory(a_site(), all_plot_types(connection))


def test_what_was_decided_about_a_plot_type_stays(database_url: str) -> None:
    with opened(database_url) as engine:
        writing(engine, lambda connection: plot_type_ids(connection, [HITS, SEEN], new=[HITS, SEEN]))
        saved(engine, a_site())
        with reading(engine) as connection:
            kinds = known_types(connection)
    assert [kinds[key].status for key in (TIME, TIME_RUN, HITS, SEEN)] == ["active", "active", "new", "new"]


LETTERS = st.characters(exclude_categories=("Cs", "Cc"))
NAMES = st.lists(
    st.text(LETTERS, min_size=1, max_size=12).map(lambda text: unicodedata.normalize("NFC", text)),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(names=NAMES, people=NAMES, groups=NAMES)
@settings(max_examples=25)
def test_whatever_the_names_are_the_mirror_is_exact(names: list[str], people: list[str], groups: list[str]) -> None:
    site = a_site(
        {
            "plot": [
                {"name": name.removesuffix(":chunks") or "x", "group": groups[n % len(groups)]}
                for n, name in enumerate(names)
            ],
            "group": [{"name": groups[0], "kind": "a", "plots": [f"{names[0]}*"], "groups": []}],
        },
        {"person": [{"name": name, "accounts": people, "plots": names} for name in people]},
    )
    with TemporaryDirectory() as folder, sqlite_copy(Path(folder) / "a.sqlite") as engine:
        saved(engine, site)
        assert not saved(engine, site)
        with reading(engine) as connection:
            found = stored_directory(connection)
    assert set(found.people) == set(people)
    # Each plot type is in the group that it names, however strange the name is.
    assert {(plot.group, plot.key) for plot in site.plots.plots} <= found.members


def test_names_that_differ_in_a_blank_a_case_or_an_accent_are_kept_apart(database_url: str) -> None:
    names = ["CDC", "CDC ", "cdc", "Cdc\u00a0", "caf\u00e9", "cafe", "\U0001f642", "'; DROP TABLE people; --", "%", "_"]
    site = a_site(
        {
            "plot": [{"name": f"p{number}", "group": name} for number, name in enumerate(names)],
            "class": [{"name": name, "colour": "#000000"} for name in names],
            "group": [{"name": "all", "kind": "x", "groups": names}],
        },
        {"person": [{"name": name, "accounts": names, "roles": names} for name in names]},
    )
    with opened(database_url) as engine:
        assert saved(engine, site)
        assert not saved(engine, site)
        with reading(engine) as connection:
            found = stored_directory(connection)
    assert set(found.groups) == {*names, "all"}
    assert set(found.classes) == set(found.people) == set(names)
    assert len(found.accounts) == len(found.roles) == len(names) ** 2


def test_tasks_that_renew_it_at_the_same_moment_do_not_meet_halfway(database_url: str) -> None:
    with opened(database_url) as engine:
        start = threading.Barrier(4)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                start.wait()
                renew_directory(engine, a_site())
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with reading(engine) as connection:
            assert stored_directory(connection) == told_directory(a_site(), all_plot_types(connection))
