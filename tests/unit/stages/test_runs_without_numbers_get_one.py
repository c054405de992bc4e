"""Runs that have names alone get a number from the ledger, once and for ever, and are found again by it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hydra_core.base.errors import ConfigError, WorkflowError
from hydra_core.cli.main import main
from hydra_core.config.load import load_site
from hydra_core.intake.scan import Scan
from hydra_core.passes.arrive import announce, runs_in_source
from hydra_core.passes.numbering import number_runs, runs_named
from hydra_core.stages.sources import look_at_run, rules_of, run_source
from hydra_core.store.ledger import PassRow, RunEntry, add_pass, get_pass, run_entries, set_pass_state
from hydra_core.store.session import reading, writing

RULE = """
[[intake.rule]]
name = "campaign"
pattern = '''(?P<campaign>[^/]+)/(?P<geometry>[^/]+)/(?P<plot>.+)\\.png'''
run_name = "{campaign} {geometry}"
"""


class Source:
    """A deployment whose runs have names, and a pass of ten numbers."""

    def __init__(self, deployment: Any) -> None:
        self.engine = deployment.engine
        self.folder = deployment.site.folder
        self.incoming: Path = deployment.site.intake
        self.configure(RULE)
        self.row = self.a_pass("p/v2", (100, 109))

    def configure(self, text: str) -> None:
        """Add something to the site's file."""
        (self.folder / "site.toml").write_text(
            '[site]\nname = "small"\nexperiment = "S"\n[paths]\ndata_root = "data"\n[intake]\nsettle_s = 0.0\n' + text
        )
        self.site = load_site(self.folder)

    def a_pass(self, name: str, span: tuple[int, int]) -> PassRow:
        """Enter a pass."""
        writing(self.engine, lambda connection: add_pass(connection, name, f"w/{name}", span, str(self.incoming)))
        with reading(self.engine) as connection:
            return get_pass(connection, name)

    def put(self, *names: str) -> None:
        """Write files with a time that does not depend on the clock."""
        for name in names:
            path = self.incoming / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
            os.utime(path, (1_790_000_000, 1_790_000_000))

    def look(self) -> Scan:
        """Look at the whole source."""
        return runs_in_source(self.site, self.row)

    def number(self, **how: bool) -> list[int]:
        """Number all runs of the source."""
        return number_runs(self.engine, self.row, self.look().runs, **how)

    def entries(self) -> list[RunEntry]:
        """Return the runs of the ledger."""
        with reading(self.engine) as connection:
            return run_entries(connection, self.row.id, numbers=range(self.row.first_run, self.row.last_run + 1))


@pytest.fixture
def source(make: Callable[[str], Any]) -> Iterator[Source]:
    return Source(make("named"))


def test_new_names_get_the_next_free_numbers_in_natural_order(source: Source) -> None:
    source.put("24.08/b10/q2.png", "24.08/b9/q2.png")
    assert source.number() == [100, 101]
    assert source.entries() == [RunEntry(100, "24.08 b9", "24.08/b9"), RunEntry(101, "24.08 b10", "24.08/b10")]


def test_a_name_keeps_its_number_whatever_comes_later(source: Source) -> None:
    source.put("24.08/b9/q2.png")
    source.number()
    source.put("24.07/a/q2.png", "24.08/b10/q2.png")
    assert [(run.run_name, number) for run, number in zip(source.look().runs, source.number(), strict=True)] == [
        ("24.07 a", 101),
        ("24.08 b9", 100),
        ("24.08 b10", 102),
    ]
    assert source.number() == [101, 100, 102]


def test_a_run_is_found_again_by_its_number(source: Source) -> None:
    source.put("24.08/b9/q2.png", "24.08/b9/deep/x.png", "24.08/b10/q2.png")
    source.number()
    with reading(source.engine) as connection:
        known = run_source(connection, source.row.id, 100)
    found = look_at_run(source.site, source.incoming, known)
    assert [str(file.relative) for file in found.files] == ["24.08/b9/deep/x.png", "24.08/b9/q2.png"]
    known_files = look_at_run(source.site, source.incoming, known)
    assert (known_files.files, known_files.waiting) == (found.files, 0)
    assert found == source.look().runs[0]


def test_the_ledger_learns_of_files_outside_of_the_folder_it_knew(source: Source) -> None:
    source.configure(RULE.replace("(?P<geometry>[^/]+)/", "(?:[^/]+/)*").replace(" {geometry}", ""))
    source.put("24.08/b9/q2.png")
    source.number()
    assert source.entries() == [RunEntry(100, "24.08", "24.08/b9")]
    source.put("24.08/b10/q2.png")
    assert source.number() == [100]
    assert source.entries() == [RunEntry(100, "24.08", "24.08")]


def test_arriving_names_the_run_and_sees_later_changes(source: Source) -> None:
    source.put("24.08/b9/q2.png", "24.08/b9/metadata.json")
    (first,) = announce(source.site, source.engine, source.row, source.number())
    assert first.sentence == "run 100 (24.08 b9): new, 1 files"
    (again,) = announce(source.site, source.engine, source.row, [100])
    assert (again.decision, again.run) == ("in progress", 100)


def test_numbers_that_are_taken_are_passed_over(source: Source) -> None:
    source.put("24.08/b9/q2.png", "24.08/b10/q2.png")
    announce(source.site, source.engine, source.row, [100])
    assert source.number() == [101, 102]


def test_more_runs_than_numbers_are_refused_and_none_is_entered(source: Source) -> None:
    source.put(*(f"24.08/b{number}/q2.png" for number in range(11)))
    with pytest.raises(WorkflowError, match="11 new runs need a number, and the pass p/v2 has 10 left") as caught:
        source.number()
    assert caught.value.next_step
    assert source.entries() == []


def test_a_closed_pass_gives_no_numbers(source: Source) -> None:
    source.put("24.08/b9/q2.png")
    writing(source.engine, lambda connection: set_pass_state(connection, source.row.id, "closed"))
    with reading(source.engine) as connection:
        row = get_pass(connection, "p/v2")
    with pytest.raises(WorkflowError, match="is closed"):
        number_runs(source.engine, row, source.look().runs)
    assert source.entries() == []


def test_two_who_ask_at_once_are_given_the_same_numbers(source: Source) -> None:
    source.put(*(f"24.08/b{number}/q2.png" for number in range(10)))
    given: list[list[int]] = []
    threads = [Thread(target=lambda: given.append(source.number())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == [list(range(100, 110))] * 4


def test_a_number_of_a_name_is_not_given_to_a_run_that_has_it_as_its_own(source: Source) -> None:
    source.put("24.08/b9/q2.png")
    source.number()
    source.configure('presets = ["generic"]\n')
    source.put("Run100/x.png")
    with pytest.raises(WorkflowError, match=r"the number 100 of the pass p/v2 was given to '24\.08 b9'"):
        source.number()


def test_runs_with_numbers_keep_them(source: Source) -> None:
    source.configure("")
    source.put("Run000105/x.png", "Run000103/x.png")
    assert source.number() == [103, 105]
    assert source.entries() == []


def test_a_site_may_map_numbers_that_no_pass_is_wide_enough_for(source: Source) -> None:
    source.configure("map_runs = true\n")
    source.put("Run000105/x.png", "data/Run123456/x.png", "Run9000000/x.png")
    assert source.number(map_all=True) == [100, 101, 102]
    assert source.entries() == [
        RunEntry(100, "105", "Run000105"),
        RunEntry(101, "123456", "data/Run123456"),
        RunEntry(102, "9000000", "Run9000000"),
    ]
    with reading(source.engine) as connection:
        known = run_source(connection, source.row.id, 101)
    assert [str(file.relative) for file in look_at_run(source.site, source.incoming, known).files] == [
        "data/Run123456/x.png"
    ]


def test_a_run_that_was_entered_before_numbers_were_mapped_keeps_its_own(source: Source) -> None:
    source.configure("")
    source.put("Run000105/x.png", "Run000104/x.png")
    announce(source.site, source.engine, source.row, [105])
    assert source.number(map_all=True) == [100, 105]


def test_a_run_is_chosen_by_its_name_or_number(source: Source) -> None:
    source.configure('presets = ["epic", "generic"]\n')
    source.put("24.08/b9/DIS/18x275/q2.png", "Run000105/x.png")
    runs = source.look().runs
    assert [run.run for run in runs_named(runs, ["000105", "105"], "here")] == [105, 105]
    assert [run.run_name for run in runs_named(runs, ["24.08 b9 DIS 18x275"], "here")] == ["24.08 b9 DIS 18x275"]
    with pytest.raises(WorkflowError, match="no run in here has the name 'b9'"):
        runs_named(runs, ["b9"], "here")


def test_the_command_takes_all_or_those_that_are_named(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    source.put("24.08/b9/q2.png", "24.08/b10/q2.png", "loose.png")
    site = ["--site", str(source.folder)]
    assert main(["arrive", "p/v2", "--name", "24.08 b10", *site]) == 0
    out = capsys.readouterr().out
    assert "run 100 (24.08 b10): new, 1 files" in out
    assert "1 files are part of no run" in out
    assert main(["arrive", "p/v2", "--all", *site]) == 0
    assert "run 101 (24.08 b9): new, 1 files" in capsys.readouterr().out
    assert main(["arrive", "p/v2", "--name", "nobody", *site]) == 5


def test_an_unknown_preset_or_a_useless_rule_is_named_with_its_file(source: Source) -> None:
    source.configure('presets = ["gluex"]\n')
    with pytest.raises(ConfigError, match=r"site\.toml: intake\.presets: there is no preset 'gluex'"):
        rules_of(source.site)
    source.configure(RULE.replace("{geometry}", "{detector}"))
    with pytest.raises(ConfigError, match=r"site\.toml: intake\.rule: .*detector"):
        rules_of(source.site)


def test_presets_come_before_the_rules_of_the_site(source: Source) -> None:
    source.configure('presets = ["panguin", "hallc"]\nleave = ["*.tmp.png"]\n' + RULE)
    rules = rules_of(source.site)
    assert [rule.name for rule in rules.rules] == ["panguin-pad", "panguin-variable", "hallc", "campaign"]  # type: ignore[union-attr]
    assert rules.leave == ("*.tmp.png",)  # type: ignore[union-attr]
