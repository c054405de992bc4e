from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from hydra_core.ask.known_names import KnownNames
from hydra_core.ask.question import QuestionError
from hydra_core.ask.read import LONGEST, read_question
from hydra_core.base.names import PlotKey
from hydra_core.cli.ask import answer
from hydra_core.store.query import Names
from tests.query_samples import NOW, PASS, count_verdicts, fill
from tests.store_samples import sqlite_copy

Ask = Callable[..., list[str]]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with sqlite_copy(tmp_path_factory.mktemp("ask") / "hydra.sqlite") as engine:
        fill(engine)
        with engine.connect() as opened, opened.begin():
            opened.execute(sa.text("SELECT 1"))  # what a connection begins with is not part of an answer
            yield opened


@pytest.fixture(scope="module")
def ask(connection: Connection) -> Ask:
    return lambda text, **more: answer(connection, text, NOW, **more).splitlines()


def _first_cells(lines: list[str]) -> list[str]:
    """Return the first column of an answer's table."""
    head = next(line for line in lines if line == line.upper() and "  " in line)
    width = head.index("  ")
    below = lines[lines.index(head) + 1 :]
    return [line[: max(width, line.find("  "))].strip() for line in below]


def test_an_answer_begins_with_how_the_question_was_understood(ask: Ask) -> None:
    line = ask("which detectors had problems in the last 24 hours")[0]
    assert line == (
        "Detectors with problems (severity 2 or more), 2026-11-20 18:40 to 2026-11-21 18:40 UTC, "
        "counted by detector, most first"
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("which detectors had problems in the last 24 hours", ["CDC", "bad"]),
        ("which detectors had problems this week", ["CDC", "Forward calorimeter", "bad"]),
        ("Which plots were bad in run 103?", ["CDC_occupancy", "CDC_time"]),
        ("what is wrong now", ["bad"]),
        ("plots with problems between 2026-11-18 and 2026-11-19", ["FCAL hits"]),
        ("novel or missing plots in runs 101 to 103", ["FCAL hits"]),
        ("missing plots on 18 November", ["FCAL hits"]),
        ("worst detectors in the last 3 runs", ["CDC", "bad"]),
        ("top 1 plots", ["CDC_occupancy"]),
        ("problems of CDC since run 103", ["CDC_occupancy", "CDC_time"]),
        ("problems of CDC* in run 103", ["CDC_occupancy", "CDC_time"]),
        ("what was bad in central before run 103", ["CDC_occupancy"]),
        ("unconfirmed plots", ["CDC_time"]),
        ("Hot channel in run 103", ["CDC_time"]),
        ("who labelled most this week", ["Ada", "Zoë O'Neil"]),
        ("which people labelled since 3 hours ago", ["Ada", "Zoë O'Neil"]),
        ("which models are live", ["CDC_occupancy-1"]),
        ("models trained since 2026-11-13", ["CDC_occupancy-2"]),
        ("which experts are there", ["Ada", "Zoë O'Neil"]),
        ("show news", ["beam is back"]),
        ("how many bad plots by day", ["2026-11-18", "2026-11-20", "2026-11-21"]),
        ("which passes are open", [PASS]),
        ("which plots are there of detector bad", ["bad"]),
    ],
)
def test_a_question_is_answered_by_the_rows_it_asks_for(ask: Ask, text: str, first: list[str]) -> None:
    lines = ask(text)
    assert [cell for cell in _first_cells(lines) if cell in first] == first
    assert len(_first_cells(lines)) == len(first)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("how many problems in run 103", "3"),
        ("how many labels did Ada make", "2"),
        ("how many labels were called Bad by Zoë O'Neil", "1"),
        ("how many images in run 101", "6"),
        ("how many runs today", "2"),
        ("how many runs yesterday", "1"),
        ("how many incidents of CDC", "1"),
        ("how many models", "2"),
    ],
)
def test_what_is_counted_is_one_number(ask: Ask, text: str, number: str) -> None:
    assert ask(text)[1:] == [number]


def test_since_when_is_answered_by_the_run_in_which_the_incident_began(ask: Ask) -> None:
    _, head, row = ask("since when is CDC_occupancy bad")
    assert row.split()[head.split().index("FIRST_RUN")] == "102"
    assert "FIRST_CHUNK" in head


def test_a_word_of_the_grammar_is_a_name_behind_its_kind_and_in_quotes(ask: Ask) -> None:
    assert "of 'bad'" in ask("show images of detector bad")[0]
    assert "of 'bad'" in ask('show images of "bad"')[0]
    assert "problems" in ask("show images that are bad")[0]


def test_names_are_found_in_small_letters(ask: Ask) -> None:
    assert ask("problems of fcal HITS") == ask("problems of FCAL hits")


def test_an_empty_answer_says_why(ask: Ask) -> None:
    assert ask("which plots had problems on 2020-01-01")[1] == (
        "none: there are no runs 2020-01-01 00:00 to 2020-01-02 00:00 UTC; "
        f"the last judged run is 104 of {PASS}, 2026-11-21T18:10:00Z"
    )
    assert (
        ask("novel plots yesterday")[1]
        == "none: runs there: 1, and nothing like that in them; looked for: plots in the state novel"
    )


def test_a_misspelt_word_is_named_with_the_nearest_and_examples_that_work(ask: Ask) -> None:
    with pytest.raises(QuestionError) as refused:
        ask("which detectrs had problems of CDC_ocupancy")
    assert refused.value.exit_code == 2
    assert "'detectrs', 'CDC_ocupancy'" in refused.value.cause
    assert "'detectors'" in refused.value.next_step
    assert "'CDC_occupancy'" in refused.value.next_step
    examples = [line.strip().removeprefix("hydra ask ")[1:-1] for line in refused.value.next_step.splitlines()[1:]]
    assert len(examples) == 3
    for text in examples:
        assert len(ask(text)) > 1


def test_what_does_not_go_together_is_refused(ask: Ask) -> None:
    for text in (
        "how many people in run 103",
        "labels in run 103",
        "news of CDC",
        "people since Monday of model X",
        "bad or missing plots",
    ):
        with pytest.raises(QuestionError):
            ask(text)


def test_a_refusal_of_two_that_exclude_each_other_names_the_words(ask: Ask) -> None:
    with pytest.raises(QuestionError, match="'bad' or 'missing'"):
        ask("bad or missing plots")


@pytest.mark.parametrize("state", ["undetermined", "no_beam", "missing"])
def test_what_nobody_judged_is_not_called_good(tmp_path_factory: pytest.TempPathFactory, state: str) -> None:
    with sqlite_copy(tmp_path_factory.mktemp("unjudged") / "hydra.sqlite") as engine:
        fill(engine)
        with engine.begin() as changed:
            before = int(answer(changed, "how many good images", NOW).splitlines()[1])
            one = "SELECT max(item_id) FROM verdicts WHERE severity = 0 AND state = 'confirmed'"
            changed.execute(sa.text(f"UPDATE verdicts SET state = :state WHERE item_id = ({one})"), {"state": state})
            count_verdicts(changed)
            assert answer(changed, "how many good images", NOW).splitlines()[1] == str(before - 1)
            assert state not in answer(changed, "top 500 images that are fine", NOW)


def test_a_count_in_rows_begins_with_the_sum(ask: Ask) -> None:
    _, line, head, *rows = ask("how many bad plots by day")
    place = head.split().index("PLOTS")
    assert line == f"{sum(int(row.split()[place]) for row in rows)} plots in {len(rows)} days"
    assert re.fullmatch(r"\d+ plots? in \d+ detectors?", ask("how many detectors had problems")[1])
    assert re.fullmatch(r"\d+ labels? in 2 people", ask("how many labels by person")[1])


@pytest.mark.parametrize(
    "text", ["plots without problems", "runs that were not bad", "detectors except CDC", "runs with more than 5 plots"]
)
def test_what_the_grammar_cannot_say_is_never_taken_for_its_opposite(ask: Ask, text: str) -> None:
    with pytest.raises(QuestionError):
        ask(text)


def test_an_explanation_shows_words_statement_and_values(ask: Ask) -> None:
    said = "\n".join(ask("which detectors had problems in the last 24 hours", explain=True))
    assert "'problems'" in said
    assert "SELECT" in said
    assert ":severity_1 = 2" in said
    assert "= 2026-11-20T18:40:00.000+00:00" in said


def test_where_no_plot_type_has_a_detector_plot_types_are_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    with sqlite_copy(tmp_path_factory.mktemp("bare") / "hydra.sqlite") as engine:
        fill(engine)
        with engine.begin() as bare:
            bare.execute(sa.text("DELETE FROM plot_groups"))
        with engine.connect() as bare:
            lines = answer(bare, "which detectors had problems", NOW).splitlines()
    assert lines[1].startswith("(no plot type belongs to a detector here")
    assert "CDC_occupancy" in "\n".join(lines)


def _names(*plots: str) -> Names:
    keys = {PlotKey(name, chunked=False): row for row, name in enumerate(plots)}
    return Names(keys, {}, {}, frozenset(), (), (), (), ())


_WORDS = st.sampled_from(
    re.findall(
        r"\S+",
        "which how many detectors plots runs labels people models bad problems since when last 24 hours yesterday and "
        "between 2026-11-20 2026-13-45 run 103 99999999999999999999 by day top 5 CDC FCAL hits bad 'bad' \" ' * Ada "
        "live of in the newest oldest worst novel no data 30 February monday ago 3 days from to",
    )
)


@given(st.one_of(st.text(max_size=80), st.lists(_WORDS, max_size=12).map(" ".join)))
def test_any_text_is_answered_or_refused_with_help_and_only_ever_selects(connection: Connection, text: str) -> None:
    sent: list[str] = []
    refusals: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        lines = answer(connection, text, NOW).splitlines()
        assert len(lines) >= 2
        assert answer(connection, text, NOW, explain=True).splitlines()[0] == lines[0]
    except QuestionError as error:
        refusals.append(error.next_step)
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
    assert all(statement.startswith("SELECT") for statement in sent)
    assert all(refusals)


@given(st.text(min_size=1, max_size=30).filter(lambda name: name.strip() and len(name.split()) > 0))
def test_a_name_of_the_database_is_found_in_a_question_whatever_it_holds(name: str) -> None:
    known = KnownNames(_names(name, "another"))
    question = read_question(f"show problems of plot {name}", known, NOW)
    assert [one.name for one in question.of_kind("plot")] == [name]


@given(st.text(string.ascii_letters, min_size=4, max_size=9), st.text(string.ascii_letters, min_size=1, max_size=9))
def test_the_longest_of_two_names_is_meant(first: str, second: str) -> None:
    long = f"{first} {second}"
    question = read_question(f"problems of plot {long} yesterday", KnownNames(_names(first, long)), NOW)
    assert [one.name for one in question.of_kind("plot")] == [long]


def test_no_runs_at_all_are_the_newest_one(ask: Ask) -> None:
    assert ask("what was bad in the last 0 runs") == ask("what was bad in the last run")


def test_a_very_long_question_is_refused() -> None:
    with pytest.raises(QuestionError, match="more than"):
        read_question("bad " * LONGEST, KnownNames(_names()), NOW)
