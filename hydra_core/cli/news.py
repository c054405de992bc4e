"""``hydra news``: the line at the top of every page."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hydra_core.base.clock import now
from hydra_core.base.errors import HydraError
from hydra_core.cli.output import table
from hydra_core.labels.request import write_news
from hydra_core.labels.send import send, sender
from hydra_core.stages.context import open_site
from hydra_core.stages.publish import publish_news
from hydra_core.store.news import News, news_in_force, recent_news
from hydra_core.store.session import reading

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def add_commands(commands: Any) -> None:
    """Add the sub-commands of this module."""
    news = commands.add_parser("news", help="put a line on top of every page, take it away, or list the news so far")
    news.add_argument("text", metavar="TEXT", nargs="?", help="the line; without it the news are listed")
    news.add_argument("--until", metavar="DATE", help="when the line goes: 2026-12-24 or 2026-12-24T18:00+01:00")
    news.add_argument("--clear", action="store_true", help="take the line away")
    news.add_argument("--who", help="who says so (default: the account)")
    news.set_defaults(command=_news)


def parse_until(text: str) -> datetime:
    """Read until when a line is shown: a day, to its end in UTC, or an instant with its zone.

    Raises
    ------
    HydraError
        When it is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is not None and _DAY.match(text):
        return datetime.combine(found, time(), UTC) + timedelta(days=1)
    if found is None or found.tzinfo is None:
        raise HydraError(
            f"{text!r} is neither a day nor an instant with its zone",
            next_step="write 2026-12-24, or 2026-12-24T18:00+01:00",
        )
    return found


def _news(given: argparse.Namespace) -> int:
    site, engine = open_site(given.site)
    if given.clear and (given.text or given.until):
        raise HydraError("there is nothing to say where the line is taken away", next_step="give a text or --clear")
    if given.text is None and not given.clear:
        if given.until:
            raise HydraError("no text was given", next_step="hydra news TEXT --until DATE")
        with reading(engine) as connection:
            found, shown = recent_news(connection), news_in_force(connection, now())[:1]
        print(_listed(found, shown) if found else "there is no news")
        return 0
    until = parse_until(given.until) if given.until else None
    at = now()
    if until is not None and until <= at:
        raise HydraError(
            f"until {given.until} is in the past: nobody would see the line",
            next_step="give a later day or instant, or leave --until out",
        )
    send(site, engine, write_news(given.who or sender(), at, given.text or "", until), "news")
    publish_news(site, engine)
    ends = f" until {until:%Y-%m-%d %H:%M %Z}" if until else ""
    print(f"every page shows it{ends}" if given.text else "no page shows a line now")
    return 0


def _listed(found: list[News], shown: list[News]) -> str:
    rows = [
        (
            "shown" if [one] == shown and one.text else "",
            f"{one.begins_at:%Y-%m-%d %H:%M}",
            f"{one.ends_at:%Y-%m-%d %H:%M}" if one.ends_at else "",
            one.who,
            one.text or "(the line was taken away)",
        )
        for one in found
    ]
    return table(("is", "from (UTC)", "until", "who", "text"), rows)
