"""Times in questions: ``yesterday``, ``since Monday``, ``in the last 24 hours``, ``from 2026-01-17 to 2026-01-19``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hydra_core.ask.question import Span
from hydra_core.base.errors import HydraError
from hydra_core.base.times import EARLIEST, back, read_instant

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
_UNIT = r"(minute|min|hour|day|week|month|year|h|d|w)s?"
_COUNT = rf"(\d{{1,6}}|{'|'.join(_NUMBERS)})"
_HOURS = {"min": 1 / 60, "minute": 1 / 60, "h": 1, "hour": 1, "d": 24, "day": 24, "w": 168, "week": 168}
_HOURS |= {"month": 720, "year": 8760}
_DATE = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?(?:Z|\s?UTC)?)?"
_MONTH = rf"(?:{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)})"
_MOMENT = (
    rf"(?:{_DATE}|today|yesterday|now|(?:last\s+)?(?:{'|'.join(_DAYS)})|{_COUNT}\s*{_UNIT}\s+ago"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}(?:\s+\d{{4}})?|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?)"
)
# Groups inside would count; only those of the patterns below are looked at.
_MOMENT = re.sub(r"\((?!\?)", "(?:", _MOMENT)
_IN = r"(?:(?:in|within|during|over|for|from)\s+)?(?:the\s+)?"


def find_span(text: str, position: int, now: datetime) -> tuple[int, Span] | None:
    """Return the longest time at a position of a question, and how many characters it has; None where there is none.

    Parameters
    ----------
    now
        An instant with zone. Days begin at midnight UTC, weeks on Monday.
    """
    best: tuple[int, Span] | None = None
    for pattern, meaning in _PHRASES:
        found = pattern.match(text, position)
        if found is None or (best is not None and len(found[0]) <= best[0]):
            continue
        try:
            best = len(found[0]), meaning(found, now)
        except (HydraError, ValueError, OverflowError):
            # A date that is in no calendar stays a word that nobody knows.
            continue
    return best


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _moment(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the begin and the end of a moment: of a day, or one instant twice."""
    word, today = text.lower().strip(), _midnight(now)
    if word == "now":
        return now, now
    ago = re.fullmatch(rf"{_COUNT}\s*{_UNIT}\s+ago", word)
    if ago:
        instant = _back(ago[1], ago[2], now)
        return instant, instant
    day = _day(word, today)
    if day is None:
        # Where no hour is named the whole day is meant.
        instant = read_instant(re.sub(r"\s?utc$", "Z", word).upper(), now)
        return (instant, instant) if ":" in word else (instant, instant + timedelta(days=1))
    return day, day + timedelta(days=1)


def _day(word: str, today: datetime) -> datetime | None:
    if word in ("today", "yesterday"):
        return today - timedelta(days=word == "yesterday")
    last = word.split()[-1]
    if last in _DAYS:
        back_days = (today.weekday() - _DAYS.index(last)) % 7
        return today - timedelta(days=back_days or (7 if word != last else 0))
    month = re.search(r"[a-z]{3,}", re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", word))
    if month is None or not re.search(r"\d", word):
        return None
    numbers = [int(number) for number in re.findall(r"\d+", word)]
    number = next(place for place, name in enumerate(_MONTHS, start=1) if name.startswith(month[0][:3]))
    year = numbers[1] if len(numbers) > 1 else today.year
    found = max(datetime(year, number, numbers[0], tzinfo=UTC), EARLIEST)
    return found if len(numbers) > 1 or found <= today else found.replace(year=year - 1)


def _back(count: str, unit: str, now: datetime) -> datetime:
    number = _NUMBERS.get(count.lower()) or int(count)
    return back(now, hours=number * _HOURS[unit.lower()])


def _this(found: re.Match[str], now: datetime) -> Span:
    return Span(_begin(found[1].lower(), now), now)


def _begin(unit: str, now: datetime) -> datetime:
    today = _midnight(now)
    if unit == "week":
        return today - timedelta(days=today.weekday())
    return today.replace(day=1) if unit == "month" else today.replace(month=1, day=1)


def _previous(found: re.Match[str], now: datetime) -> Span:
    end = _begin(found[1].lower(), now)
    return Span(_begin(found[1].lower(), end - timedelta(days=1)), end)


def _between(found: re.Match[str], now: datetime) -> Span:
    return Span(_moment(found[1], now)[0], _moment(found[2], now)[1])


def _on(found: re.Match[str], now: datetime) -> Span:
    since, until = _moment(found[1], now)
    if since == until:
        # An instant says which day is meant.
        since = _midnight(since)
        until = since + timedelta(days=1)
    return Span(since, until)


_Meaning = Callable[[re.Match[str], datetime], Span]


def _phrase(pattern: str, meaning: _Meaning) -> tuple[re.Pattern[str], _Meaning]:
    return re.compile(rf"{pattern}(?!\w)", re.IGNORECASE), meaning


_PHRASES = (
    _phrase(rf"{_IN}(?:last|past|previous)\s+{_COUNT}\s*{_UNIT}", lambda m, n: Span(_back(m[1], m[2], n), n)),
    _phrase(rf"{_IN}past\s+(minute|hour|day|week|month|year)", lambda m, n: Span(_back("1", m[1], n), n)),
    _phrase(rf"{_IN}last\s+(minute|hour|day)", lambda m, n: Span(_back("1", m[1], n), n)),
    _phrase(rf"{_IN}last\s+(week|month|year)", _previous),
    _phrase(rf"{_IN}this\s+(week|month|year)", _this),
    _phrase(rf"(?:since|from)\s+({_MOMENT})(?:\s+on)?", lambda m, n: Span(_moment(m[1], n)[0], None)),
    _phrase(rf"after\s+({_MOMENT})", lambda m, n: Span(_moment(m[1], n)[1], None)),
    _phrase(rf"before\s+({_MOMENT})", lambda m, n: Span(None, _moment(m[1], n)[0])),
    _phrase(rf"(?:until|till|up\s+to)\s+({_MOMENT})", lambda m, n: Span(None, _moment(m[1], n)[1])),
    _phrase(rf"(?:between|from)\s+({_MOMENT})\s+(?:and|to|until|till)\s+({_MOMENT})", _between),
    _phrase(rf"(?:on\s+)?({_MOMENT})", _on),
)
