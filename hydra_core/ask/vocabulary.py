"""The words of the grammar: what each phrase changes in a question, and what it is called in an explanation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_Changes = Callable[[re.Match[str]], Mapping[str, Any]]


@dataclass(frozen=True)
class Phrase:
    """Words of the grammar.

    Attributes
    ----------
    changes
        What they set in a `Question`; `states` and `statuses` add up.
    meaning
        What they are taken for; empty for words that change nothing.
    kind
        The kind of name that may follow.
    words
        The plain words, for finding what a misspelt word may be.
    """

    pattern: re.Pattern[str]
    changes: _Changes
    meaning: str
    kind: str
    words: tuple[str, ...]


def _phrase(pattern: str, changes: Mapping[str, Any] | _Changes, meaning: str = "", kind: str = "") -> Phrase:
    plain = tuple(word for word in re.split(r"[|()]", pattern) if re.fullmatch(r"[a-z][a-z ]{3,}", word))
    if "(" not in pattern:
        # Of several words that fit the first one counts, and the longest is meant.
        pattern = "|".join(sorted(pattern.split("|"), key=len, reverse=True))
    found = changes if callable(changes) else lambda _: changes
    return Phrase(re.compile(rf"(?:{pattern})(?!\w)", re.IGNORECASE), found, meaning, kind, plain)


def _subject(pattern: str, subject: str, meaning: str = "", kind: str = "", **more: Any) -> Phrase:
    return _phrase(pattern, {"subject": subject, **more}, meaning or f"asks for {subject}", kind)


def _state(pattern: str, state: str) -> Phrase:
    return _phrase(pattern, {"states": (state,)}, f"plots in the state {state}")


def _status(pattern: str, status: str) -> Phrase:
    return _phrase(pattern, {"statuses": (status,)}, f"those that are {status}")


def _counted(order: str, group: int) -> _Changes:
    return lambda found: {"order": order, "limit": max(1, int(found[group]))}


def _grouped(found: re.Match[str]) -> Mapping[str, Any]:
    word = found[1].lower()
    begins = {"detector": "detector", "plot": "plot", "run": "run", "da": "day", "class": "class", "state": "state"}
    begins |= {"pe": "person", "expert": "person", "pass": "pass", "model": "model"}
    return {"by": next(meaning for begin, meaning in begins.items() if word.startswith(begin))}


_RUN = r"(\d{1,12})"
_IN = r"(?:(?:in|of|over|for|from|during)\s+)?(?:the\s+)?"
_NEWEST = r"(?:last|newest|latest|most\s+recent)"
_THINGS = r"detectors|plots|plot types|runs|incidents|labels|people|models|images|passes|requests"

PHRASES = (
    # What kind of answer.
    _phrase(r"how many|how often|number of|count", {"intent": "count"}, "asks how many"),
    _phrase(r"since when", {"intent": "when", "since_when": True}, "asks since when"),
    _phrase(r"when", {"intent": "when"}, "asks when"),
    _phrase(r"which|what|where|show|list|give|tell|find|display|print", {"intent": "list"}, "asks for rows"),
    # What it is about.
    _subject(r"detectors", "detectors", kind="detector"),
    _subject(r"detector|group", "detectors", kind="one detector"),
    _subject(r"plots|plot types|histograms|types of plots", "plots", "asks for plot types", "plot"),
    _subject(r"plot|plot type|histogram", "plots", "asks for plot types", "one plot"),
    _subject(r"runs", "runs"),
    _subject(r"run", "runs"),
    _subject(r"incidents?", "incidents"),
    _subject(r"labels?", "labels", labelled=True),
    _subject(r"who|people|persons?|experts?", "people", kind="one person"),
    _subject(r"models|networks", "models", kind="model"),
    _subject(r"model|network", "models", kind="one model"),
    _subject(r"images?|pictures?|verdicts?", "images"),
    _subject(r"passes", "passes", kind="pass"),
    _subject(r"pass", "passes", kind="one pass"),
    _subject(r"requests?", "requests"),
    _subject(r"news", "news"),
    _phrase(r"labell?ed|labell?ing", {"labelled": True}, "classes that people gave", "one class"),
    _phrase(r"class|classes|called|as|shown as|judged|like|look like|looked like|looks like", {}, "", "one class"),
    _phrase(r"by", {}, "", "one person"),
    _phrase(r"trained|trainings?", {"subject": "models"}, "asks for models"),
    # What plots are like.
    _phrase(
        r"problems?|issues?|trouble|faults?|bad|wrong|broken|failing|failed|faulty|flagged|needs? a look|needed a look"
        r"|anything wrong|not good|not ok",
        {"severity": 2},
        "plots that need a look",
    ),
    _phrase(
        r"severe|serious|severe problems?|serious problems?|real problems?", {"severity": 3}, "plots that are a problem"
    ),
    _phrase(r"good|fine|okay|ok|healthy", {"fine": True}, "plots that need nothing"),
    _state(r"confirmed|sure", "confirmed"),
    _state(r"unconfirmed|unsure|not sure|uncertain|doubtful", "unconfirmed"),
    _state(r"novel|never seen|unlike anything", "novel"),
    _state(r"missing|did not come|not there", "missing"),
    _state(r"unreadable|not readable|damaged", "unreadable"),
    _state(r"no[ _]?data|empty|without data", "no_data"),
    _state(r"no[ _]?beam|without beam", "no_beam"),
    _state(r"stuck|frozen|unchanged", "stuck"),
    _state(r"undetermined|unjudged|not judged|without a model", "undetermined"),
    _state(r"special[ _]?runs?", "special_run"),
    _status(r"live|active|in use", "live"),
    _status(r"candidates?", "candidate"),
    _status(r"rejected|refused", "rejected"),
    _status(r"retired", "retired"),
    _status(r"new|waiting|undecided", "new"),
    _status(r"ignored", "ignored"),
    _status(r"renamed", "renamed"),
    _status(r"quarantined|in quarantine", "quarantined"),
    _status(r"accepted", "accepted"),
    _status(r"published", "published"),
    _status(r"archived", "archived"),
    _status(r"open", "open"),
    _status(r"closed", "closed"),
    # Which runs.
    _phrase(
        rf"{_IN}(?:between\s+)?runs?\s+{_RUN}\s*(?:to|and|until|through|-|–)\s*(?:run\s+)?{_RUN}",
        lambda m: {"runs": (min(int(m[1]), int(m[2])), max(int(m[1]), int(m[2])))},
        "these runs",
    ),
    _phrase(rf"{_IN}run\s+(?:number\s+)?{_RUN}", lambda m: {"runs": (int(m[1]), int(m[1]))}, "this run"),
    _phrase(rf"(?:since|from)\s+run\s+{_RUN}(?:\s+on)?", lambda m: {"runs": (int(m[1]), None)}, "runs from there on"),
    _phrase(rf"after\s+run\s+{_RUN}", lambda m: {"runs": (int(m[1]) + 1, None)}, "runs after it"),
    _phrase(rf"before\s+run\s+{_RUN}", lambda m: {"runs": (None, int(m[1]) - 1)}, "runs before it"),
    _phrase(rf"(?:until|up\s+to)\s+run\s+{_RUN}", lambda m: {"runs": (None, int(m[1]))}, "runs up to it"),
    _phrase(
        rf"{_IN}{_NEWEST}\s+(\d{{1,4}})\s+runs", lambda m: {"newest_runs": max(1, int(m[1]))}, "the newest judged runs"
    ),
    _phrase(rf"{_IN}{_NEWEST}\s+run", {"newest_runs": 1}, "the newest judged run"),
    _phrase(r"(?:right\s+)?now|currently|at\s+the\s+moment", {"newest_runs": 1}, "the newest judged run"),
    # How rows are counted, ordered and cut.
    _phrase(
        r"(?:by|per|for\s+each|for\s+every|in\s+each|of\s+each|each|every)\s+(detectors?|plots?(?:\s+types?)?|runs?|days?"
        r"|class(?:es)?|states?|people|persons?|experts?|pass(?:es)?|models?)",
        _grouped,
        "counted so",
    ),
    _phrase(r"daily", {"by": "day"}, "counted by day"),
    _phrase(r"top\s+(\d{1,6})", _counted("most", 1), "most first, so many"),
    _phrase(r"(\d{1,6})\s+worst", _counted("most", 1), "most first, so many"),
    _phrase(r"worst\s+(\d{1,6})", _counted("most", 1), "most first, so many"),
    _phrase(r"(\d{1,6})\s+(?:newest|latest|most\s+recent|last)", _counted("newest", 1), "newest first, so many"),
    _phrase(r"(?:newest|latest|most\s+recent|last)\s+(\d{1,6})", _counted("newest", 1), "newest first, so many"),
    _phrase(r"(\d{1,6})\s+(?:oldest|first)", _counted("oldest", 1), "oldest first, so many"),
    _phrase(r"(?:oldest|first)\s+(\d{1,6})", _counted("oldest", 1), "oldest first, so many"),
    _phrase(rf"(\d{{1,6}})(?=\s+(?:{_THINGS}))", lambda m: {"limit": max(1, int(m[1]))}, "so many rows"),
    _phrase(
        r"(?:at\s+most|no\s+more\s+than|limit)\s+(\d{1,6})", lambda m: {"limit": max(1, int(m[1]))}, "so many rows"
    ),
    _phrase(r"worst|most|most often", {"order": "most"}, "most first"),
    _phrase(r"fewest|least", {"order": "fewest"}, "fewest first"),
    _phrase(r"newest|latest|most recent|recent|recently|last", {"order": "newest"}, "newest first"),
    _phrase(r"oldest|earliest|first", {"order": "oldest"}, "oldest first"),
    _phrase(r"or", {"either": True}),
    # What only holds a sentence together.
    _phrase(
        r"a|an|the|of|in|on|at|to|for|from|with|within|during|over|and|that|this|these|those|there|it|its|is|are|was"
        r"|were|be|been|has|have|had|do|does|did|done|any|anything|all|some|ever|me|us|please|can|could|may|i|we|you|our|"
        r"my|give|gave|given|made|make|makes|get|got|came|come|happen|happens|happened|look|looked|see|seen|type|types"
        r"|whose|he|she|they|people's|so far|just|about|have been|has been|exist|known|taken|sent|"
        r"became|become|went|go|goes|'s|’s|began|begin|begun|start|started|every",
        {},
    ),
)
