from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from hydra_core.base.names import PlotKey
from hydra_core.cli.main import main
from hydra_core.config.site import Site
from hydra_core.labels.inbox import waiting_files
from hydra_core.store.kept import kept_places
from hydra_core.store.ledger import get_pass, newest_revision, update_revision
from hydra_core.store.plot_types import plot_type_ids
from hydra_core.store.session import reading, writing
from tests.request_samples import FDC, IMAGES, TOF, a_database, a_site, statuses, types
from tests.store_samples import CDC, RICH

Said = tuple[int, str, str]
PASS = "2026-01/ver02"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return a_site(tmp_path)


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    with a_database(site) as engine:
        yield engine


@pytest.fixture
def hydra(site: Site, engine: Engine, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return a function that runs a command and gives its exit code and what it printed."""

    def run(*arguments: str) -> Said:
        code = main(["--site", str(site.folder), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def columns(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()[1:]]


def test_the_list_says_how_each_plot_type_stands(hydra: Callable[..., Said]) -> None:
    code, printed, _ = hydra("plots")
    assert code == 0
    today = columns(printed)[0][-2]
    assert columns(printed) == [
        ["CDC_occupancy:chunks", "active", today, "2"],
        ["FDC", "hits:chunks", "new", today, "0"],
        ["Listed", "active", today, "0"],
        ["RICH_hits", "active", today, "0"],
        ["TOF", "new", today, "0"],
    ]
    assert hydra("plots", "list")[1] == printed


@pytest.mark.parametrize("words", [["plots", "--new"], ["plots", "list", "--new"], ["plots", "--new", "list"]])
def test_what_waits_can_be_listed_alone(hydra: Callable[..., Said], words: list[str]) -> None:
    assert [row[0] for row in columns(hydra(*words)[1])] == ["FDC", "TOF"]


def test_nothing_waits_where_nothing_is_held(hydra: Callable[..., Said], site: Site) -> None:
    text = (site.folder / "site.toml").read_text(encoding="utf-8")
    (site.folder / "site.toml").write_text(f'{text}[intake]\nnew_types = "accept"\n', encoding="utf-8")
    assert hydra("plots", "--new")[1] == "no plot type waits for a decision\n"
    assert ["TOF", "active"] in [row[:2] for row in columns(hydra("plots")[1])]


def test_a_plot_type_is_accepted_with_who_and_why(hydra: Callable[..., Said], site: Site, engine: Engine) -> None:
    code, printed, _ = hydra("plots", "accept", "TOF", "--who", "Ada", "--comment", "looked at it")
    assert (code, statuses(engine)[TOF], types(engine)[TOF][3]) == (0, "active", "Ada")
    assert "TOF: was new, is active" in printed
    assert "'hydra arrive PASS RUN --again'" in printed
    (kept,) = site.requests_kept.iterdir()
    request = json.loads(kept.read_text(encoding="utf-8"))
    assert (request["kind"], request["comment"]) == ("plot_type", "looked at it")
    assert waiting_files(site.inbox) == []


def test_what_is_decided_already_is_said_and_not_asked_again(hydra: Callable[..., Said], site: Site) -> None:
    hydra("plots", "ignore", "TOF", "--who", "Ada")
    code, printed, _ = hydra("plots", "ignore", "TOF")
    assert code == 0
    assert printed.startswith("TOF: is ignored, as before, as Ada decided on ")
    assert "hydra arrive" not in printed
    assert len(list(site.requests_kept.iterdir())) == 1


def test_all_new_ones_are_decided_at_once(hydra: Callable[..., Said], engine: Engine) -> None:
    assert hydra("plots", "ignore", "--all-new")[0] == 0
    assert statuses(engine) == {
        FDC: "ignored",
        TOF: "ignored",
        CDC: "active",
        RICH: "active",
        PlotKey("Listed", False): "active",
    }
    assert hydra("plots", "accept", "--all-new")[1].startswith("there is nothing to decide")


def test_a_pattern_decides_about_all_that_fit_but_are_not_listed(hydra: Callable[..., Said], engine: Engine) -> None:
    hydra("plots", "rename", "TOF", "ToF")
    code, printed, _ = hydra("plots", "ignore", "*")
    assert code == 0
    found = {str(key): status for key, status in statuses(engine).items()}
    assert found == {
        "FDC hits:chunks": "ignored",
        "TOF": "renamed",
        "ToF": "ignored",
        "CDC_occupancy:chunks": "ignored",
        "RICH_hits": "ignored",
        "Listed": "active",
    }
    assert "Listed" not in printed


def test_a_rename_says_where_later_plots_belong(hydra: Callable[..., Said], engine: Engine) -> None:
    hydra("plots", "ignore", "RICH_hits")
    code, printed, _ = hydra("plots", "rename", "TOF", "RICH_hits")
    assert code == 0
    assert "TOF: later plots of this name belong to RICH_hits, which is ignored" in printed
    assert "FDC hits:chunks: later plots of this name belong to FDC" in hydra("plots", "rename", "FDC hits", "FDC")[1]
    assert (types(engine)[TOF][1], str(types(engine)[FDC][1])) == (RICH, "FDC:chunks")
    assert "renamed to FDC:chunks" in hydra("plots")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["accept"], "no plot type was named"),
        (["accept", "TOFF"], "did you mean 'TOF'?"),
        (["ignore", "nothing/*"], "no plot type fits the pattern"),
        (["rename", "*", "X"], "one plot type is meant"),
        (["rename", "TOF", "TOF"], "renames 'TOF' to itself"),
        (["rename", "TOF", "TOF:chunks"], "so it cannot become 'TOF:chunks'"),
        (["rename", "TOF", ""], "items.0.name"),
        (["rename", "TOF", "x" * 300], "items.0.name"),
        (["accept", "TOF", "--who", ""], "TOF: was new, is active"),
        (["accept", "TOF", "--who", "a\nb"], "who: "),
        (["ignore", "Listed"], "plots.toml lists 'Listed'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(hydra: Callable[..., Said], words: list[str], said: str) -> None:
    code, printed, error = hydra("plots", *words)
    assert said in printed + error
    assert bool(code) == bool(error)
    assert not error or "\n  next: " in error


def test_a_name_in_both_forms_has_to_be_told_apart(hydra: Callable[..., Said], engine: Engine) -> None:
    twin = PlotKey("TOF", True)
    writing(engine, lambda connection: plot_type_ids(connection, [twin], new=[twin]))
    assert "write 'TOF:chunks' or 'TOF:run'" in hydra("plots", "accept", "TOF")[2]
    assert hydra("plots", "accept", "TOF:run")[0] == 0
    assert (statuses(engine)[TOF], statuses(engine)[twin]) == ("active", "new")


def test_an_archive_that_cannot_be_read_keeps_nobody_from_deciding(hydra: Callable[..., Said], engine: Engine) -> None:
    hydra("plots", "ignore", "CDC_occupancy")
    code, printed, _ = hydra("plots", "accept", "CDC_occupancy")
    assert code == 0
    assert "no ranges from " in printed
    assert statuses(engine)[CDC] == "active"


def test_the_pages_follow_a_decision(hydra: Callable[..., Said], site: Site) -> None:
    site.site_pages.mkdir(parents=True)
    hydra("plots", "accept", "TOF")
    page = (site.site_pages / "status.html").read_text(encoding="utf-8")
    assert "1 plot type is new and waits for a decision" in page
    assert "hydra plots accept &#39;FDC hits:chunks&#39;" in page
    hydra("plots", "ignore", "FDC hits")
    assert "for a decision" not in (site.site_pages / "status.html").read_text(encoding="utf-8")


def test_of_thousands_that_wait_the_status_page_names_some(
    hydra: Callable[..., Said], site: Site, engine: Engine
) -> None:
    many = [PlotKey(f"hists/{number:04}", True) for number in range(2000)]
    writing(engine, lambda connection: plot_type_ids(connection, many, new=many))
    site.site_pages.mkdir(parents=True)
    hydra("plots", "accept", "TOF")
    page = (site.site_pages / "status.html").read_text(encoding="utf-8")
    assert 0 < page.count("hydra plots ignore ") < 100
    assert len(page) < 100_000


@pytest.fixture
def read_run(engine: Engine) -> None:
    """Bring run 7 as far as its images being read."""

    def work(connection: object) -> None:
        found = newest_revision(connection, get_pass(connection, PASS).id, 7)  # type: ignore[arg-type]
        assert found is not None
        update_revision(connection, found.id, state="chunked")  # type: ignore[arg-type]

    writing(engine, work)


@pytest.mark.usefixtures("read_run")
def test_images_of_a_run_are_pinned_and_given_free(hydra: Callable[..., Said]) -> None:
    assert "2 of 2 images are pinned now" in hydra("pin", PASS, "7", "--why", "for the talk", "--who", "Ada")[1]
    rows = columns(hydra("pin", "--list")[1])
    assert [row[0] for row in rows] == [sha[:12] for sha in IMAGES]
    assert rows[0][1:8] == ["pin", PASS, "run", "7", "CDC_occupancy", "chunk", "0"]
    assert rows[0][-3:] == ["for", "the", "talk"]
    assert "0 of 1 image is pinned now" in hydra("unpin", PASS, "7", "CDC*", "1")[1]
    assert [row[0] for row in columns(hydra("pin", "--list")[1])] == [IMAGES[0][:12]]
    hydra("unpin", PASS, "7")
    assert hydra("pin", "--list")[1] == "no image is pinned\n"


@pytest.mark.usefixtures("read_run")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no run was named"),
        ([PASS], "no run was named"),
        ([PASS, "7"], "a pin says why the images are to be kept"),
        ([PASS, "7", "CDC_occupancy", "9", "--why", "x"], "has no such image"),
        ([PASS, "7", "RICH_hits", "--why", "x"], "has no such image"),
        ([PASS, "7", "TOF", "--why", "x"], "there is no plot type 'TOF'"),
        ([PASS, "8", "--why", "x"], "is not in the ledger"),
        (["other", "7", "--why", "x"], "there is no pass 'other'"),
    ],
)
def test_a_pin_that_cannot_be_set_is_said_in_a_sentence(
    hydra: Callable[..., Said], engine: Engine, words: list[str], said: str
) -> None:
    code, _, error = hydra("pin", *words)
    assert code
    assert said in error
    with reading(engine) as connection:
        assert kept_places(connection) == []
