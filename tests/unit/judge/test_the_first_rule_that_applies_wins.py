from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydra_core.base.words import percent
from hydra_core.judge.evidence import Classification, Content, ItemEvidence, listed
from hydra_core.judge.rules import judge_item

CLASSES = ("Good", "Bad", "NoData", "LED")
FULL = Content(empty=False, ink=0.2, sentence="A fifth of the plot is ink.")
EMPTY = Content(empty=True, ink=0.0, sentence="Nothing is drawn inside the frame.")


def network(threshold: float = 0.8, **probabilities: float) -> Classification:
    return Classification(probabilities, dict.fromkeys(CLASSES, threshold), "model-1")


PLAIN = ItemEvidence(
    status="ok",
    beam=True,
    content=FULL,
    labels_needed=24,
    problem_classes=frozenset({"Bad"}),
    normal_classes=frozenset({"Good"}),
)
GOOD, BAD, LED = network(Good=0.9, Bad=0.1), network(Good=0.1, Bad=0.9), network(LED=0.95, Good=0.05)
BLANK, UNSURE, NORMAL_UNSURE = network(NoData=0.9, Good=0.1), network(Bad=0.6, Good=0.4), network(Good=0.6, Bad=0.4)
BROKEN = network(Good=math.nan, Bad=0.1)

RULES: list[tuple[str, dict[str, Any], tuple[str | None, str, int]]] = [
    ("missing beats all", {"status": "missing", "reason": "no file", "content": EMPTY, "classification": BAD},
     (None, "missing", 2)),
    ("unreadable beats all", {"status": "unreadable", "reason": "cut", "content": EMPTY, "classification": BAD},
     (None, "unreadable", 2)),
    ("empty with beam", {"content": EMPTY}, ("NoData", "no_data", 3)),
    ("empty, beam unknown", {"content": EMPTY, "beam": None}, ("NoData", "no_data", 2)),
    ("empty without beam", {"content": EMPTY, "beam": False}, ("NoData", "no_beam", 0)),
    ("empty beats a network that likes it", {"content": EMPTY, "classification": GOOD}, ("NoData", "no_data", 3)),
    ("empty beats a broken network", {"content": EMPTY, "classification": BROKEN}, ("NoData", "no_data", 3)),
    ("no network", {}, (None, "undetermined", 0)),
    ("no network and no look at the content", {"content": None}, (None, "undetermined", 0)),
    ("numbers that are none", {"classification": BROKEN}, (None, "undetermined", 2)),
    ("no numbers at all", {"classification": network()}, (None, "undetermined", 2)),
    ("a sure normal class", {"classification": GOOD}, ("Good", "confirmed", 0)),
    ("a sure problem", {"classification": BAD}, ("Bad", "confirmed", 3)),
    ("a sure problem, beam unknown", {"classification": BAD, "beam": None}, ("Bad", "confirmed", 3)),
    ("a sure class that is neither", {"classification": LED}, ("LED", "confirmed", 1)),
    ("a network that sees nothing", {"classification": BLANK}, ("NoData", "no_data", 2)),
    ("an unsure problem", {"classification": UNSURE}, ("Bad", "unconfirmed", 2)),
    ("an unsure normal class", {"classification": NORMAL_UNSURE}, ("Good", "unconfirmed", 2)),
    ("exactly at the threshold", {"classification": network(Bad=0.8, Good=0.2)}, ("Bad", "confirmed", 3)),
    ("a hair below it", {"classification": network(Bad=0.7999999, Good=0.2)}, ("Bad", "unconfirmed", 2)),
    ("a class without a threshold", {"classification": Classification({"New": 0.89, "Good": 0.11}, {}, "m")},
     ("New", "unconfirmed", 2)),
    ("a clear class without a threshold", {"classification": Classification({"New": 0.9, "Good": 0.1}, {}, "m")},
     ("New", "confirmed", 1)),
    ("of equal ones the first", {"classification": network(0.4, Good=0.5, Bad=0.5)}, ("Good", "confirmed", 0)),
    ("a copy of an earlier chunk", {"duplicate_of": "CDC_0000.png"}, (None, "stuck", 2)),
    ("a copy beats a network that likes it", {"duplicate_of": "a.png", "classification": GOOD}, (None, "stuck", 2)),
    ("a copy, beam unknown", {"duplicate_of": "a.png", "beam": None}, (None, "stuck", 2)),
    ("a copy that is empty is empty", {"duplicate_of": "a.png", "content": EMPTY}, ("NoData", "no_data", 3)),
    ("a copy that cannot be read", {"duplicate_of": "a.png", "status": "unreadable"}, (None, "unreadable", 2)),
    ("no beam: plots may stay as they are", {"duplicate_of": "a.png", "beam": False, "classification": GOOD},
     ("Good", "confirmed", 0)),
    ("no beam, no network", {"beam": False}, (None, "no_beam", 0)),
    ("no beam: a problem calls nobody", {"classification": BAD, "beam": False}, ("Bad", "confirmed", 1)),
    ("no beam: doubt calls nobody", {"classification": UNSURE, "beam": False}, ("Bad", "unconfirmed", 1)),
    ("no beam: doubt of the normal calls nobody", {"classification": NORMAL_UNSURE, "beam": False},
     ("Good", "unconfirmed", 0)),
    ("no beam: nothing is what one expects", {"classification": BLANK, "beam": False}, ("NoData", "no_beam", 0)),
    ("no beam: good is good", {"classification": GOOD, "beam": False}, ("Good", "confirmed", 0)),
]  # fmt: skip


@pytest.mark.parametrize(("values", "wanted"), [(rule[1], rule[2]) for rule in RULES], ids=[rule[0] for rule in RULES])
def test_evidence_leads_to_one_verdict(values: dict[str, Any], wanted: tuple[str | None, str, int]) -> None:
    found = judge_item(replace(PLAIN, **values))
    assert (found.class_name, found.state, found.severity) == wanted
    assert all(found.reasons)
    # Whoever is called is told what to do.
    assert found.next_step or found.severity < 2


def test_a_verdict_of_a_network_carries_its_numbers_and_says_them() -> None:
    sure, unsure = (judge_item(replace(PLAIN, classification=one)) for one in (BAD, UNSURE))
    assert (sure.confidence, sure.threshold) == (0.9, 0.8)
    assert sure.reasons == ("Looks Bad: 90.0%, 80.0% is needed.",)
    assert unsure.reasons == ("Looks Bad (60.0%), but 80.0% is needed to be sure; Good has 40.0%.",)
    assert judge_item(replace(PLAIN, content=EMPTY)).confidence is None


def test_a_plot_without_a_model_says_what_is_still_needed() -> None:
    assert judge_item(replace(PLAIN, labels_waiting=20)).next_step == "label 4 more of its images"
    assert "hydra train" in judge_item(replace(PLAIN, labels_waiting=30)).next_step


@pytest.mark.parametrize("status", ["missing", "unreadable"])
def test_a_picture_that_is_not_there_says_why(status: Any) -> None:
    assert judge_item(ItemEvidence(status, "the file ends early")).reasons == ("the file ends early",)
    assert judge_item(ItemEvidence(status)).reasons[0].endswith(".")


numbers = st.floats(0, 1) | st.sampled_from([math.nan, math.inf, 1.0, 0.9999999])
names = st.sampled_from(CLASSES) | st.text(min_size=1, max_size=5)
classifications = st.builds(
    Classification,
    st.dictionaries(names, numbers, max_size=5),
    st.dictionaries(names, st.floats(0, 1.01), max_size=5),
    st.just("model-1"),
)
contents = st.builds(Content, st.booleans(), st.floats(0, 1), st.text(min_size=1, max_size=20))
evidences = st.builds(
    ItemEvidence,
    status=st.sampled_from(["ok", "unreadable", "missing"]),
    reason=st.text(max_size=20),
    duplicate_of=st.just("") | st.text(max_size=5),
    beam=st.none() | st.booleans(),
    content=st.none() | contents,
    classification=st.none() | classifications,
    labels_waiting=st.integers(0, 100),
    labels_needed=st.integers(0, 100),
    problem_classes=st.frozensets(names, max_size=3),
    normal_classes=st.frozensets(names, max_size=3),
)


@given(evidences)
def test_whatever_is_known_leads_to_a_verdict_with_a_reason(evidence: ItemEvidence) -> None:
    found = judge_item(evidence)
    assert found.reasons
    assert all(found.reasons)
    assert found.severity in (0, 1, 2, 3)
    assert found.next_step or found.severity < 2
    assert found == judge_item(evidence)
    assert (found.confidence is None) == (found.threshold is None)
    if evidence.status != "ok":
        assert found.state == evidence.status
    elif evidence.content is not None and evidence.content.empty:
        assert found.class_name == "NoData"
    elif evidence.beam is False and evidence.classification and evidence.classification.usable:
        assert found.severity < 2


@given(st.floats(0, 1))
def test_what_is_not_certain_is_never_called_so(value: float) -> None:
    assert (percent(value) == "100%") == (value == 1)
    assert float(percent(value).rstrip("%")) <= value * 100 + 1e-9


def test_names_are_listed_as_people_do() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
