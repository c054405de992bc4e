"""From text to a question: at each place the longest of phrases, times and names counts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hydra_core.ask.known_names import KnownNames
from hydra_core.ask.moments import find_span
from hydra_core.ask.question import Named, Question, QuestionError, Span, Understood
from hydra_core.ask.vocabulary import PHRASES, Phrase

LONGEST = 500
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»"}
_BETWEEN = re.compile(r"[\s,.?!;:()]+")
_WORD = re.compile(r"[^\s,?!;()]+")
_NEAREST = 3
_ADDED = ("states", "statuses")


def read_question(text: str, known: KnownNames, now: datetime, examples: Sequence[str] = ()) -> Question:
    """Return what a text asks for.

    Parameters
    ----------
    known
        The names of the database; those that are words of the grammar too are names in quotes, and behind the word for
        what they are, as in ``detector bad``.
    now
        What ``yesterday`` counts from.
    examples
        Questions that work, for the refusal.

    Raises
    ------
    QuestionError
        When a part of the text means nothing; it names the nearest words, and examples.
    """
    plain = " ".join(text.split())
    if len(plain) > LONGEST:
        raise QuestionError(f"the question has more than {LONGEST} characters", next_step="ask in one sentence")
    reader = _Reader(plain, known, now)
    reader.read()
    if reader.unknown:
        words = ", ".join(repr(word) for word in reader.unknown)
        near = [part for word in reader.unknown if (part := _near(word, known))]
        raise QuestionError(f"these words mean nothing here: {words}", next_step=_next([*near], examples))
    question = _finished(reader, known)
    if question.subject is None:
        raise QuestionError("the question does not say what it is about", next_step=_next([], examples))
    return question


class _Reader:
    """A walk along a text that gathers what its parts change."""

    def __init__(self, text: str, known: KnownNames, now: datetime) -> None:
        self.text, self._known, self._now = text, known, now
        self._at = 0
        self.question = Question()
        self.unknown: list[str] = []
        #: Where a word said what plots are like: it may be a class that people gave.
        self.judged: list[tuple[str, Mapping[str, Any]]] = []

    def read(self) -> None:
        while self._at < len(self.text):
            if not self._step():
                self._skip()

    def _skip(self) -> None:
        gap = _BETWEEN.match(self.text, self._at)
        if gap:
            self._at = gap.end()
            return
        word = _WORD.match(self.text, self._at)
        end = word.end() if word else self._at + 1
        closing = self.text.find(_QUOTES.get(self.text[self._at], " "), self._at + 1)
        if self.text[self._at] in _QUOTES and closing > 0:
            self.unknown.append(self.text[self._at + 1 : closing])
            self._at = closing + 1
            return
        told = self.text[self._at : end].rstrip(".:")
        self.unknown.append(told or self.text[self._at : end])
        self._at = end

    def _step(self) -> bool:
        length, named = self._known.at(self.text, self._at)
        phrase, found = _longest(self.text, self._at)
        span = find_span(self.text, self._at, self._now)
        word = _WORD.match(self.text, self._at)
        if word and "*" in word[0] and length < len(word[0]) and (fitting := self._known.fitting(word[0])):
            self._name(fitting, len(word[0]))
            return True
        said = max(len(found[0]) if found else 0, span[0] if span else 0)
        if length > said:
            self._name(named, length)
        elif quoted := self._quoted(""):
            self._name(*quoted)
        elif found and phrase and (span is None or len(found[0]) >= span[0]):
            self._phrase(phrase, found)
        elif span:
            self._time(*span)
        else:
            return False
        return True

    def _quoted(self, kind: str) -> tuple[tuple[Named, ...], int] | None:
        """Return what a text in quotes names, with the length of both; None where it names nothing."""
        opened = self.text[self._at : self._at + 1]
        if opened not in _QUOTES:
            return None
        length, named = self._known.at(self.text, self._at + 1, kind)
        end = self._at + 1 + length
        return (named, length + 2) if named and self.text[end : end + 1] == _QUOTES[opened] else None

    def _phrase(self, phrase: Phrase, found: re.Match[str]) -> None:
        self._at = found.end()
        if phrase.kind and self._behind(phrase):
            if phrase.changes(found).get("labelled"):
                self._change({"labelled": True})
            return
        changes = phrase.changes(found)
        likeness = "severity" in changes or "fine" in changes or "states" in changes
        if likeness:
            self.judged.append((found[0], changes))
        self._change(changes)
        if phrase.meaning:
            self._understood(found[0], phrase.meaning, likeness=likeness)

    def _behind(self, phrase: Phrase) -> bool:
        """Take a name that stands behind the word for its kind."""
        kind = phrase.kind.removeprefix("one ")
        start = self._at
        gap = re.compile(r"\s*(?:(?:called|named|as|is)\s+)?").match(self.text, self._at)
        self._at = gap.end() if gap else self._at
        quoted = self._quoted(kind)
        length, named = self._known.at(self.text, self._at, kind)
        _, said = _longest(self.text, self._at)
        if quoted:
            self._name(*quoted)
        elif named and (phrase.kind != kind or said is None or length > len(said[0])):
            self._name(named, length)
        else:
            self._at = start
            return False
        return True

    def _name(self, named: tuple[Named, ...], length: int) -> None:
        text = self.text[self._at : self._at + length]
        self._at += length
        self.question = replace(self.question, named=tuple(dict.fromkeys((*self.question.named, *named))))
        for one in named:
            self._understood(text, f"the {'plot type' if one.kind == 'plot' else one.kind} {one.name!r}")

    def _time(self, length: int, span: Span) -> None:
        text = self.text[self._at : self._at + length]
        self._at += length
        before = self.question.span
        if before is not None:
            # Two bounds of one span: since Monday, until Wednesday.
            span = Span(span.since or before.since, span.until if before.until is None else before.until)
        self._change({"span": span})
        self._understood(text, "a time")

    def _change(self, changes: Mapping[str, Any]) -> None:
        values = dict(changes)
        for name in _ADDED:
            if name in values:
                values[name] = tuple(dict.fromkeys((*getattr(self.question, name), *values[name])))
        if self.question.subject is not None:
            # What comes first is asked for; the rest only says more of it.
            values.pop("subject", None)
        if self.question.intent != "list":
            values.pop("intent", None)
        self.question = replace(self.question, **values)

    def _understood(self, text: str, meaning: str, *, likeness: bool = False) -> None:
        self.question = replace(self.question, pieces=(*self.question.pieces, Understood(text, meaning, likeness)))


def _longest(text: str, position: int) -> tuple[Phrase | None, re.Match[str] | None]:
    best: tuple[Phrase | None, re.Match[str] | None] = (None, None)
    for phrase in PHRASES:
        found = phrase.pattern.match(text, position)
        if found and (best[1] is None or len(found[0]) > len(best[1][0])):
            best = (phrase, found)
    return best


def _finished(reader: _Reader, known: KnownNames) -> Question:
    """Say what a question is about that does not name it, and take words for classes where people gave them."""
    asked = reader.question
    if asked.labelled or asked.subject == "labels":
        asked = replace(asked, labelled=True, severity=None, fine=False, states=())
        for text, changes in reader.judged:
            length, named = known.at(text, 0, "class")
            if length == len(text):
                asked = replace(asked, named=(*asked.named, *named))
            else:
                states = (*asked.states, *changes.get("states", ()))
                asked = replace(asked, states=states, severity=changes.get("severity", asked.severity))
    if asked.subject is not None:
        return asked
    if asked.labelled:
        return replace(asked, subject="labels")
    if asked.about_verdicts or asked.of_kind("class"):
        return replace(asked, subject="images" if asked.intent == "count" and asked.by is None else "plots")
    if asked.newest_runs is not None and not asked.named:
        return replace(asked, subject="runs")
    if asked.named or asked.runs is not None or asked.by is not None:
        return replace(asked, subject="models" if {one.kind for one in asked.named} == {"model"} else "plots")
    if asked.statuses:
        return replace(asked, subject="plots" if {"new", "ignored", "renamed"} & {*asked.statuses} else "models")
    return replace(asked, subject="runs") if asked.span is not None else asked


def _near(word: str, known: KnownNames) -> str:
    words = sorted({one for phrase in PHRASES for one in phrase.words if " " not in one})
    texts = {text.casefold(): text for text in [*words, *known.texts()]}
    folded = word.casefold()
    # People shorten names: what begins so is nearer than what is spelt alike.
    longer = [text for text in texts if text.startswith(folded)] if len(folded) > 1 else []
    found = (longer or difflib.get_close_matches(folded, list(texts), n=_NEAREST, cutoff=0.7))[:_NEAREST]
    return f"for {word!r} perhaps {' or '.join(repr(texts[one]) for one in found)}" if found else ""


def _next(near: Sequence[str], examples: Sequence[str]) -> str:
    asked = "".join(f"\n    hydra ask {_shell(one)}" for one in examples)
    return "; ".join(near) + ("; " if near and asked else "") + (f"ask for instance{asked}" if asked else "")


def _shell(text: str) -> str:
    return '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'
