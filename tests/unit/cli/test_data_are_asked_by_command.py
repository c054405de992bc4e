from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from hydra_core.cli.main import main
from hydra_core.config.plots import DEFAULT_CLASSES
from hydra_core.passes.throwaway import make_site, open_database
from hydra_core.report.row_files import write_csv, write_json_lines, write_parquet
from hydra_core.store.query import views
from tests.query_samples import PASS, PLOTS, fill


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_site(
        tmp_path_factory.mktemp("site"), name="asked", experiment="x", sections={}, plots=(), classes=DEFAULT_CLASSES
    )
    engine, _ = open_database(made)
    fill(engine)
    return made.folder


@pytest.fixture
def hydra(site: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["--site", str(site), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_without_a_name_the_views_are_listed(hydra: Any) -> None:
    code, out, _ = hydra("query")
    assert code == 0
    for view in views():
        assert f"\n{view.name} " in out
        assert view.row in out


def test_filters_are_those_of_the_options(hydra: Any) -> None:
    _, out, _ = hydra(
        *("query", "verdicts", "--pass", PASS, "--runs", "102-103", "--detector", "CDC", "--plot", "CDC_*"),
        *("--class", "Bad", "--state", "confirmed", "--where", "severity>=3", "--columns", "run,plot_type,chunk"),
        *("--order=run,-chunk", "--since", "2026-11-01", "--until", "2026-11-21T17:00", "--format", "csv"),
    )
    assert [tuple(row.values()) for row in _rows(out)] == [
        ("102", "CDC_occupancy", "1"),
        ("102", "CDC_occupancy", "0"),
        ("103", "CDC_occupancy", "1"),
        ("103", "CDC_occupancy", "0"),
    ]


def test_incidents_are_those_that_reach_into_the_runs(hydra: Any) -> None:
    _, out, _ = hydra("query", "incidents", "--runs", "103", "--columns", "first_run,last_run", "--format", "csv")
    assert out == "first_run,last_run\n102,103\n"


def test_rows_are_counted_by_columns(hydra: Any) -> None:
    _, out, _ = hydra("query", "verdicts", "--by", "state", "--columns", "count", "--format", "csv", "--limit", "2")
    assert out == "state,count\nconfirmed,21\nmissing,1\n"


def test_all_revisions_are_given_when_asked_for(hydra: Any) -> None:
    count = ("query", "runs", "--columns", "run,revision", "--format", "csv", "--runs", "104")
    assert len(_rows(hydra(*count)[1])) == 1
    assert len(_rows(hydra(*count, "--all-revisions")[1])) == 2


def test_a_spreadsheet_runs_no_name(hydra: Any) -> None:
    _, out, _ = hydra("query", "plots", "--columns", "plot_type", "--format", "csv", "--where", "plot_type~cmd")
    assert [row["plot_type"] for row in _rows(out)] == [f"'{PLOTS[5][0]}"]


def test_json_holds_names_and_times_as_they_are(hydra: Any) -> None:
    asked = ("query", "verdicts", "--columns", "plot_type,judged_at,chunk,reasons", "--runs", "104", "--limit", "1")
    _, out, _ = hydra(*asked, "--format", "json")
    _, lines, _ = hydra(*asked, "--format", "jsonl")
    expected = {
        "plot_type": PLOTS[5][0],
        "judged_at": "2026-11-21T18:10:00.000Z",
        "chunk": None,
        "reasons": ["Looks Good."],
    }
    assert json.loads(out) == [expected]
    assert [json.loads(line) for line in lines.splitlines()] == [expected]
    assert json.loads(hydra("query", "runs", "--runs", "7", "--format", "json")[1]) == []


def test_a_file_is_written_whole_or_not_at_all(hydra: Any, tmp_path: Path) -> None:
    target = tmp_path / "runs.csv"
    target.write_text("old", encoding="utf-8")
    assert hydra("query", "runs", "--format", "csv", "--out", str(target), "--columns", "nothing")[0] == 1
    assert target.read_text(encoding="utf-8") == "old"
    code, out, _ = hydra("query", "runs", "--format", "csv", "--out", str(target))
    assert (code, out) == (0, f"{target}: 4 rows\n")
    assert len(_rows(target.read_text(encoding="utf-8"))) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]


def test_parquet_needs_a_package_and_a_file(hydra: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = hydra("query", "runs", "--format", "parquet")
    assert code == 1
    assert "--out" in err
    code, _, err = hydra("query", "runs", "--format", "parquet", "--out", str(tmp_path / "runs.parquet"))
    assert code == 1
    assert "pyarrow" in err
    assert list(tmp_path.iterdir()) == []


def test_parquet_keeps_types(tmp_path: Path) -> None:
    kinds = {"run": "integer", "class": "text", "reasons": "json", "sure": "number", "there": "truth"}
    given = [{"run": 7, "class": None, "reasons": ["χ²"], "sure": 0.5, "there": True}]
    write_parquet(tmp_path / "one.parquet", kinds, given)
    assert parquet.read_table(tmp_path / "one.parquet").to_pylist() == [{**given[0], "reasons": '["χ²"]'}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "verdict"),
        ("query", "runs", "--columns", "colour"),
        ("query", "runs", "--where", "run like 5"),
        ("query", "runs", "--where", "run=five"),
        ("query", "runs", "--where", "run=99999999999999999999"),
        ("query", "verdicts", "--where", "confidence>nan"),
        ("query", "verdicts", "--where", "reasons=x"),
        ("query", "verdicts", "--where", "run~5"),
        ("query", "verdicts", "--where", "image=12"),
        ("query", "runs", "--since", "soon"),
        ("query", "runs", "--runs", "5 to 7"),
        ("query", "runs", "--plot", "CDC_time"),
        ("query", "people", "--since", "24h"),
        ("query", "people", "--runs", "5"),
        ("query", "people", "--class", "Bad"),
        ("query", "verdicts", "--detector", "CDX"),
        ("query", "runs", "--limit", "-1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_next_step(hydra: Any, arguments: tuple[str, ...]) -> None:
    code, out, err = hydra(*arguments)
    assert (code, out) == (1, "")
    assert "\n  next: " in err


def test_a_table_for_people_ends_with_how_to_get_more(hydra: Any) -> None:
    _, out, _ = hydra("query", "verdicts", "--limit", "3")
    lines = out.splitlines()
    assert len(lines) == 5
    assert "--limit" in lines[-1]
    assert hydra("query", "runs", "--runs", "7")[1].endswith("no rows\n")


def test_a_question_that_is_not_understood_ends_with_two(hydra: Any) -> None:
    code, out, err = hydra("ask", "flibber", "the", "jabberwock")
    assert (code, out) == (2, "")
    assert err.count("\n    hydra ask ") == 3
    assert hydra("ask", "how many runs are there")[0:2] == (0, "How many runs\n4\n")


def test_rows_are_written_without_being_kept() -> None:
    class Nowhere(io.TextIOBase):
        def write(self, text: str) -> int:
            return len(text)

    given = {"run": 50010, "plot_type": "CDC_occupancy", "confidence": 0.5}
    tracemalloc.start()
    try:
        for write in (write_csv, write_json_lines):
            write(Nowhere(), list(given), (dict(given) for _ in range(5_000)))  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000
