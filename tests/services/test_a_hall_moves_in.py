from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event, make_url
from sqlalchemy.engine import Engine

from hydra_core.base.errors import HydraError
from hydra_core.base.files import sha256_bytes
from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.config.site import Site
from hydra_core.labels.inbox import receive_kept
from hydra_core.labels.request_kinds import EARLIEST
from hydra_core.moving import original as reading_original
from hydra_core.moving.instants import find_zone
from hydra_core.moving.original import opened_original
from hydra_core.moving.outcome import Outcome
from hydra_core.moving.site_files import check_room, write_site_files
from hydra_core.moving.take_over import ImageFolder, read_directory, take_over
from hydra_core.store.labelbook import current_labels
from hydra_core.store.plot_types import NewDecision, all_plot_types, decide_types, known_types, plot_type_ids
from hydra_core.store.schema import EarlierLabel, EarlierModel, EarlierVerdict, Import, Label
from hydra_core.store.session import reading, writing
from tests.original_hydra import (
    BEGIN,
    CHUNKED,
    HOSTILE,
    PERIOD,
    TheirDatabase,
    Variant,
    a_picture,
    fill,
    original_database,
)
from tests.store_samples import opened, sqlite_copy, table_rows

SITE = '[site]\nname = "a"\nexperiment = "A"\n[paths]\ndata_root = "data"\n'
CDC, ONCE = PlotKey("CDC_occupancy", True), PlotKey("CDC_occupancy", False)
#: Half past nine in the morning in winter, five hours behind UTC.
BEGAN = BEGIN.replace(tzinfo=UTC) + timedelta(hours=5)
#: Clocks showed half past one twice that night; the first one was four hours behind.
CORRECTED = datetime(2025, 11, 2, 5, 30, tzinfo=UTC)


class Move:
    """An original and a site of a hall that moves in."""

    def __init__(self, there: TheirDatabase, url: str, folder: Path, engine: Engine) -> None:
        self.there = there
        self.url = url
        self.folder = folder
        self.engine = engine

    @property
    def site(self) -> Site:
        return load_site(self.folder)

    def write_site(self) -> None:
        """Write the files that the original gives."""
        with opened_original(self.url) as original:
            files = read_directory(original).files
            check_room(self.folder, files)
            write_site_files(self.folder, files)

    def take(self, *, images: bool = True, zone: str = "America/New_York") -> Outcome:
        """Take everything over."""
        root = self.there.images if images else None
        with opened_original(self.url) as original:
            found = read_directory(original)
            told: list[str] = []
            return take_over(
                self.site, self.engine, original, found, find_zone(zone), ImageFolder(root, 6), told.append
            )

    def state(self) -> dict[str, Any]:
        """Return all that an import leaves behind: every row, and every file that is kept."""
        with reading(self.engine) as connection:
            rows = table_rows(connection, "began_at", "ended_at")
        return {**rows, "files": sorted(path.name for path in self.site.requests_kept.glob("*"))}

    def labels(self, plot: PlotKey = CDC) -> dict[str, str]:
        with reading(self.engine) as connection:
            return current_labels(connection, all_plot_types(connection)[plot])

    def rows(self, table: Any) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(table.__table__)).all())


@pytest.fixture
def original_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """Return the URL of an empty database for the original, of the same kind as the database here."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'original.sqlite'}"
    url: str = request.getfixturevalue("another_mariadb_url")
    return url


@pytest.fixture
def hall(database_url: str, original_url: str, tmp_path: Path) -> Iterator[Callable[..., Move]]:
    """Return a function that makes an original of some version, and a site without plots.toml."""
    with ExitStack() as opening:

        def make(variant: Variant = "2025") -> Move:
            there = opening.enter_context(original_database(original_url, tmp_path / "images", variant))
            fill(there)
            folder = tmp_path / "site"
            folder.mkdir()
            (folder / "site.toml").write_text(SITE, encoding="utf-8")
            return Move(there, original_url, folder, opening.enter_context(opened(database_url)))

        yield make


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Move]:
    """Yield a hall on SQLite, with its files written; for what does not depend on the kind of database."""
    url = f"sqlite:///{tmp_path / 'original.sqlite'}"
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    with original_database(url, tmp_path / "images") as there, sqlite_copy(folder / "data" / "hydra.sqlite") as engine:
        fill(there)
        move = Move(there, url, folder, engine)
        move.write_site()
        yield move


def test_plot_types_classes_groups_and_people_become_configuration(hall: Callable[..., Move]) -> None:
    move = hall()
    move.write_site()
    plots, people = move.site.plots, move.site.people
    kept = move.site.plot_type(CDC)
    assert (kept.collect, kept.contact, kept.classes) == (0.5, "cdc@hall.example", ("Good", "Bad"))
    assert kept.description == f"CDC_occupancy: {HOSTILE.replace('${', '$ {')}"
    assert move.site.plot_type(ONCE).collect == 1.0
    assert {str(plot.key) for plot in plots.plots} == {
        "CDC_occupancy:chunks", "CDC_occupancy", "RICH", "Rich", "Détecteur", "../climb",
    }  # fmt: skip
    assert {known.name: known.colour for known in plots.classes} == {
        "Good": "#90ee90", "Acceptable": "#006400", "Bad": "#ff0000", "NoData": "#808080", "Weird": "#7a7a7a",
    }  # fmt: skip
    assert [known.name for known in plots.classes if known.problem] == ["Bad"]
    groups = {group.name: group for group in plots.groups}
    assert groups["CDC"].plots == ("CDC_occupancy:chunks", "CDC_occupancy:run")
    assert (groups["All"].kind, groups["All"].groups) == ("period", ("CDC", "CDC (campaign)"))
    rights = {person.name: (person.roles, person.plots) for person in people.people}
    assert rights["ada"] == (("Admin", "Labeler"), ("CDC_occupancy:run", "CDC_occupancy:chunks"))
    assert rights["bob"] == (("Labeler",), ("CDC_occupancy:chunks",))
    # Her only plot type did not come over: an empty list would let her label all of them.
    assert rights["eve"][0] == ()
    assert not people.anyone_may_label


def test_labels_come_with_their_people_times_and_images(hall: Callable[..., Move]) -> None:
    move = hall()
    move.write_site()
    outcome = move.take()
    shas = {number: sha256_bytes(a_picture(number)) for number in (*range(1, 9), 20, *range(31, 35))}
    # The image of plot 44 is that of plot 1; when it was called Bad is not known, so the older word stands.
    expected = {1: "Good", 2: "Good", 3: "Bad", 4: "Good", 5: "Bad", 6: "Ignore", 8: "Acceptable"}
    expected |= dict.fromkeys(range(31, 35), "Bad")
    assert move.labels() == {shas[number]: known for number, known in expected.items()}
    assert move.labels(ONCE) == {shas[20]: "Good"}
    given = {(row.image_sha, row.class_name, row.who): row.made_at for row in move.rows(Label)}
    assert given[shas[1], "Good", "ada"] == BEGAN
    assert given[shas[3], "Good", "ada"] == BEGAN
    assert given[shas[3], "Bad", "ada"] == CORRECTED
    assert given[shas[5], "Good", "eve"] == BEGAN
    assert given[shas[5], "Bad", "bob"] == BEGAN + timedelta(1)
    assert EARLIEST < given[shas[8], "Acceptable", "ada"] < EARLIEST + timedelta(seconds=1)
    assert outcome.taken["labels"] == 13
    assert outcome.taken["labels that were replaced later"] == 2
    comments = [json.loads(path.read_text("utf-8"))["comment"] for path in move.site.requests_kept.iterdir()]
    assert sum(HOSTILE in comment for comment in comments) == 1


def test_every_label_is_kept_with_the_reason_why_it_has_no_image(hall: Callable[..., Move]) -> None:
    move = hall()
    move.write_site()
    outcome = move.take()
    rows = {row.number: row for row in move.rows(EarlierLabel)}
    assert {number: row.reason for number, row in rows.items() if row.reason} == {
        7: "it says what to train on, which is chosen by runs here",
        14: "no image is at its path",
        16: "the file cannot be opened (the path leaves its folder)",
        17: "not an image: the content is of an unknown kind, not PNG, JPEG or WebP",
        21: "who gave it is not said in a way that can be kept",
    }
    assert all((row.image_sha is None) == bool(row.reason) for row in rows.values())
    assert rows[1].path == f"{PERIOD}071234/CDC_occupancy_0001.png"
    assert (rows[10].path, rows[10].run, rows[10].chunk) == ("simulated/CDC_occupancy/board_31.png", 0, 0)
    assert (rows[3].who, rows[3].class_name, rows[3].made_at) == (
        "ada",
        "Bad",
        CORRECTED,
    )
    # Plots that are not there, or whose plot type cannot be named here, have no row to hang on to.
    assert not {15, 18} & set(rows)
    assert outcome.left["transactions of labels", "they are not of the form that is known"] == 6
    assert outcome.left["labels of the history", "the plot has no label now, or is not there"] == 1


def test_models_and_verdicts_come_as_facts(hall: Callable[..., Move]) -> None:
    move = hall()
    move.write_site()
    move.take()
    models = {row.number: row for row in move.rows(EarlierModel)}
    model = models[12]
    assert (model.parent, model.active, model.classes, model.made_at) == (11, True, ["Bad", "Good"], BEGAN)
    assert model.thresholds == {"Good": {"value": 0.4, "method": "max_f1"}, "Bad": {"value": 0.65, "method": "ada"}}
    assert (model.facts["training_images"], model.facts["input_shape"]) == (2, "(600,800,3)")
    assert not models[11].active
    assert models[13].plot_type_id is None
    verdicts = {(row.origin, row.number): row for row in move.rows(EarlierVerdict)}
    said = verdicts["RunHistory", 2]
    assert (said.class_name, said.confidence, said.confirmed) == ("Bad", 0.7, False)
    assert said.probs == {"Good": 0.3, "Bad": 0.7}
    assert said.made_at == BEGAN + timedelta(seconds=2)
    assert verdicts["RunHistory", 1].confirmed is True
    for broken in (3, 4, 5):
        assert (verdicts["RunHistory", broken].probs, verdicts["RunHistory", broken].class_name) == (None, "")
    log = verdicts["MonitoringLog", 4]
    assert (log.chunk, log.transition, log.confirmed, log.model, log.period) == (4, 3, False, 12, PERIOD)
    # MariaDB keeps that column in UTC, and SQLite knows of no zones.
    zone = timedelta(hours=5) if move.url.startswith("sqlite") else timedelta()
    assert log.made_at == BEGIN.replace(tzinfo=UTC) + zone + timedelta(minutes=4)
    look = verdicts["AI_Plots 12", 3]
    assert (look.class_name, look.confidence, look.probs) == ("Bad", 0.75, {"Good": 0.25, "Bad": 0.75})
    assert len(verdicts) == 5 + 4 + 3


def test_what_is_not_taken_is_listed_with_the_import_and_its_source_has_no_password(hall: Callable[..., Move]) -> None:
    move = hall()
    move.write_site()
    outcome = move.take()
    (row,) = move.rows(Import)
    password = make_url(move.url).password
    assert password is None or password not in row.source
    assert row.taken == dict(outcome.taken)
    assert row.not_taken == outcome.lines()
    told = {what: why for what, _, why in row.not_taken}
    assert told["table News"].startswith("it is a line for today")
    assert told["table Strange_Table"] == "this program does not know the table"
    assert "control characters" in told["plot type 'evil\\nname'"]
    assert told["plot types 'RICH' and 'Rich'"] == "they differ in case alone and stay different plot types"


def test_a_second_call_changes_nothing(hall: Callable[..., Move]) -> None:
    move = hall()
    move.write_site()
    first = move.take()
    before, ended = move.state(), move.rows(Import)[0].ended_at
    second = move.take()
    assert (second.taken, second.left) == (first.taken, first.left)
    assert move.state() == before
    assert move.rows(Import)[0].ended_at == ended
    without = move.take(images=False)
    assert without.taken["labels"] == 13
    assert move.state()["earlier_labels"] == before["earlier_labels"]


def test_an_older_version_with_fewer_tables_and_columns_comes_over(hall: Callable[..., Move]) -> None:
    move = hall("2023")
    move.write_site()
    outcome = move.take()
    assert outcome.taken["labels"] == 13
    assert outcome.taken["verdicts of RunHistory"] == 5
    assert outcome.left["table HydraUsers", "that database has no such table"] == 1
    assert move.site.plot_type(CDC).group == "CDC"
    # Nothing is hidden in that version, and nobody has another role than to label.
    assert PlotKey("Old_plot", False) in {plot.key for plot in move.site.plots.plots}
    assert {person.roles for person in move.site.people.people} == {("Labeler",), ()}
    before = move.state()
    move.take()
    assert move.state() == before


def test_labels_that_had_no_image_get_it_when_the_images_are_there(hall: Callable[..., Move], tmp_path: Path) -> None:
    move = hall()
    move.write_site()
    outcome = move.take(images=False)
    assert outcome.taken["labels"] == 0
    assert move.labels() == {}
    assert all(row.image_sha is None and row.reason for row in move.rows(EarlierLabel))
    hidden = move.there.images / "simulated"
    hidden.rename(tmp_path / "elsewhere")
    assert move.take().taken["labels"] == 9
    (tmp_path / "elsewhere").rename(hidden)
    assert move.take().taken["labels"] == 13
    assert set(move.labels().values()) == {"Good", "Bad", "Ignore", "Acceptable"}


def test_pieces_of_any_size_give_the_same(small: Move, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.take()
    # The same labels in other pieces are other files; what they say is the same.
    labels, verdicts = small.labels(), small.state()["earlier_verdicts"]
    monkeypatch.setattr(reading_original, "BATCH", 2)
    monkeypatch.setattr("hydra_core.moving.verdicts.BATCH", 1)
    with sqlite_copy(tmp_path / "other" / "hydra.sqlite") as engine:
        other = Move(small.there, small.url, small.folder, engine)
        shutil.rmtree(small.site.requests_kept)
        assert other.take().taken["labels"] == 13
        assert other.labels() == labels
        assert other.state()["earlier_verdicts"] == verdicts


def test_an_import_that_is_stopped_anywhere_ends_the_same(small: Move, tmp_path: Path) -> None:
    small.take()
    whole = small.state()
    for place in count(1, 2):
        shutil.rmtree(small.site.requests_kept)
        with sqlite_copy(tmp_path / f"at-{place}" / "hydra.sqlite") as engine:
            move = Move(small.there, small.url, small.folder, engine)
            stopping = _stop_at(engine, place)
            with suppress(InterruptedError):
                move.take()
                break
            event.remove(engine, "commit", stopping)
            move.take()
            assert move.state() == whole, f"stopped at commit {place}"
    assert place > 10


def _stop_at(engine: Engine, place: int) -> Callable[[Any], None]:
    """Let the program end right before it commits for the n-th time."""
    commits = count(1)

    def stop(_connection: Any) -> None:
        if next(commits) == place:
            raise InterruptedError

    event.listen(engine, "commit", stop)
    return stop


def test_a_database_that_was_lost_gets_the_labels_back_from_the_kept_requests(small: Move, tmp_path: Path) -> None:
    small.take()
    with sqlite_copy(tmp_path / "again" / "hydra.sqlite") as engine:
        again = Move(small.there, small.url, small.folder, engine)
        writing(engine, lambda connection: plot_type_ids(connection, [CDC, ONCE, PlotKey("Old_plot", False)]))
        received = receive_kept(small.site, engine, sorted(small.site.requests_kept.iterdir()))
        assert [one.refused for one in received if one.refused] == []
        assert again.labels() == small.labels()
        with reading(engine) as connection:
            assert known_types(connection)[PlotKey("Old_plot", False)].status == "ignored"


def test_a_class_that_the_site_does_not_have_waits_for_it(small: Move) -> None:
    plots = small.folder / "plots.toml"
    whole = plots.read_text(encoding="utf-8")
    part = whole.replace('name = "Acceptable"', 'name = "Fine"')
    plots.write_text(part, encoding="utf-8")
    assert small.take().taken["labels"] == 12
    (row,) = [row for row in small.rows(EarlierLabel) if row.class_name == "Acceptable"]
    assert "there is no class 'Acceptable'" in row.reason
    plots.write_text(whole, encoding="utf-8")
    assert small.take().taken["labels"] == 13


def test_a_label_that_was_changed_there_since_then_counts_more(small: Move) -> None:
    small.take()
    sha = sha256_bytes(a_picture(8))
    assert small.labels()[sha] == "Acceptable"
    with small.there.engine.begin() as connection:
        # The original takes the old row away and enters a new one; its history is not always kept.
        connection.exec_driver_sql("DELETE FROM Users_Plots WHERE ID = 8")
        connection.exec_driver_sql(
            "INSERT INTO Users_Plots (ID, User, Plot_ID, Plot_Classification_ID) VALUES (60, 'ada', 8, 3)"
        )
    assert small.take().taken["labels"] == 13
    assert small.labels()[sha] == "Bad"


def test_whatever_was_decided_here_counts_more_than_what_was_hidden_there(small: Move) -> None:
    hidden = PlotKey("Old_plot", False)
    decision = NewDecision(hidden, "active", "Ada", BEGAN)
    writing(small.engine, lambda connection: decide_types(connection, [decision]))
    small.take()
    with reading(small.engine) as connection:
        assert known_types(connection)[hidden].status == "active"


def test_two_folders_there_are_never_taken_for_one(small: Move) -> None:
    # The same run with another version of the reconstruction, of which the copy of the images has no folder.
    other = PERIOD.replace("rawdata_ver00", "rawdata_ver01")
    small.there.plot(50, CHUNKED, 71234, 1, other)
    small.there.write()
    with small.there.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO Users_Plots (ID, User, Plot_ID, Plot_Classification_ID) VALUES (50, 'ada', 50, 3)"
        )
    keeper = small.there.images / "keeper" / "RunPeriod-2025-01" / "rawdata_ver00"
    for run in keeper.iterdir():
        run.rename(small.there.images / run.name)
    shutil.rmtree(small.there.images / "keeper")
    outcome = small.take()
    reasons = {row.number: row.reason for row in small.rows(EarlierLabel)}
    assert reasons[1] == reasons[50]
    assert "two folders there would be one folder" in reasons[1]
    assert outcome.taken["labels"] == 4


def test_the_command_says_what_came_of_it_and_does_nothing_in_a_rehearsal(
    small: Move, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small.state()
    command = ["--site", str(small.folder), "db", "import-hydra", small.url, "--zone", "America/New_York"]
    images = ["--images", str(small.there.images)]
    assert main([*command, *images, "--dry-run"]) == 0
    rehearsed = _told(capsys.readouterr().out)
    assert small.state() == before
    assert main([*command, *images, "--write-site", str(small.folder)]) == 0
    assert _told(capsys.readouterr().out) == rehearsed
    assert ["labels", "13"] in rehearsed
    assert small.state() != before
    assert small.site.people.people[0].name == "ada"


def _told(text: str) -> list[list[str]]:
    """Return the words of the tables, without their first line and without what tells of progress."""
    lines = [line.split() for line in text.splitlines() if not line.startswith("[")]
    return lines[1:]


def test_files_that_say_something_else_are_not_overwritten(small: Move, capsys: pytest.CaptureFixture[str]) -> None:
    mine = '[[plot]]\nname = "Mine"\n'
    (small.folder / "plots.toml").write_text(mine, encoding="utf-8")
    before = small.state()
    command = ["--site", str(small.folder), "db", "import-hydra", small.url, "--zone", "UTC"]
    assert main([*command, "--write-site", str(small.folder)]) == 1
    assert "is not overwritten" in capsys.readouterr().err
    assert (small.folder / "plots.toml").read_text(encoding="utf-8") == mine
    assert small.state() == before


@pytest.mark.parametrize("zone", ["", "Newport/News", "../../etc/passwd", "America"])
def test_a_zone_that_is_none_is_refused(small: Move, zone: str) -> None:
    with pytest.raises(HydraError, match="there is no time zone"):
        small.take(zone=zone)
