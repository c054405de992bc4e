"""A question told back in one line, so that everybody sees how it was understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hydra_core.ask.question import Question, Span
from hydra_core.store.query import Query

_TITLES = {
    "detectors": "detectors",
    "plots": "plot types",
    "images": "plots of runs",
    "passes": "passes",
}
_ORDERS = {
    "-count": "most first",
    "count": "fewest first",
    "-last_run": "newest run first",
    "last_run": "oldest run first",
    "-last_at": "newest first",
    "last_at": "oldest first",
    "-severity": "worst first",
    "severity": "least severe first",
}
_SEVERITIES = {2: "problems (severity 2 or more)", 3: "severe problems (severity 3)"}


def told(question: Question, query: Query, newest: tuple[str, Sequence[int]] | None = None) -> str:
    """Return the line that an answer begins with.

    Parameters
    ----------
    newest
        The pass and the numbers of the newest judged runs, where the question is about those.
    """
    parts = [_what(question, query), *_where(question, newest)]
    if question.span is not None:
        parts.append(span_words(question.span))
    if query.by:
        parts.append(f"counted by {' and '.join(name.replace('_', ' ') for name in query.by)}")
    if query.order and query.order != query.by:
        text = query.order[0]
        plain = text.removeprefix("-").replace("_", " ")
        newer = "newest first" if text.startswith("-") else "oldest first"
        parts.append(_ORDERS.get(text, newer if text.removeprefix("-").endswith("_at") else f"by {plain}"))
    elif not query.count_all and not query.order:
        parts.append("newest first")
    if query.limit is not None:
        parts.append(f"at most {query.limit}")
    line = ", ".join(parts)
    return line[:1].upper() + line[1:]


def _what(question: Question, query: Query) -> str:
    subject = question.subject or "plots"
    title = _TITLES.get(subject, subject)
    if query.view == "incidents":
        title = "incidents"
    elif query.view == "labels" and subject != "people":
        title = "labels" if subject in ("labels", "images") else f"labels of {title}"
    elif query.view == "labels":
        title = "people who gave labels"
    if question.intent == "count":
        title = f"how many {title}"
    elif question.intent == "when":
        title = f"{'since when' if question.since_when else 'when'}: {title}"
    if question.statuses:
        title += f" that are {_or(question.statuses)}"
    with_words = like_words(question, query)
    return f"{title} with {' and '.join(with_words)}" if with_words else title


def like_words(question: Question, query: Query) -> list[str]:
    """Return what the rows of an answer have to be like, wherever and whenever they are; empty for anything."""
    severity = next((one.values[0] for one in query.where if one.column == "severity" and one.operator == ">="), None)
    with_words = [_SEVERITIES[severity]] if severity in _SEVERITIES else []
    with_words += ["a judgement and nothing to look at (severity 0)"] if question.fine else []
    with_words += [f"plots in the state {_or(question.states)}"] if question.states else []
    classes = [repr(one.name) for one in question.of_kind("class")]
    with_words += [f"the class {_or(classes)}"] if classes else []
    return with_words


def _where(question: Question, newest: tuple[str, Sequence[int]] | None) -> list[str]:
    parts = []
    for kind, words in (("detector", "of"), ("plot", "of plot type"), ("model", "of model"), ("person", "by")):
        names = [repr(one.name) if kind != "person" else one.name for one in question.of_kind(kind)]
        if names:
            parts.append(f"{words} {_or(names)}")
    if question.of_kind("pass"):
        parts.append(f"of pass {_or([one.name for one in question.of_kind('pass')])}")
    if question.runs is not None:
        first, last = question.runs
        span = f"in run {first}" if first == last else f"in runs {first} to {last}"
        parts.append(f"from run {first} on" if last is None else f"up to run {last}" if first is None else span)
    if newest is not None:
        name, numbers = newest
        span = f"run {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} runs {min(numbers)} to {max(numbers)}"
        parts.append(f"in the newest {span} of pass {name}" if numbers else "in the newest run, and none is judged yet")
    return parts


def span_words(span: Span) -> str:
    """Return a span of time as ``2026-11-20 18:40 to 2026-11-21 18:40 UTC``."""
    if span.since is None:
        return f"before {_instant(span.until)} UTC" if span.until else "at any time"
    return (
        f"since {_instant(span.since)} UTC"
        if span.until is None
        else (f"{_instant(span.since)} to {_instant(span.until)} UTC")
    )


def _instant(instant: datetime | None) -> str:
    return "" if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)
