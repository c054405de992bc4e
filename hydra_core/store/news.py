"""News: the line that stands at the top of every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hydra_core.store.schema import NewsItem
from hydra_core.store.upsert import insert_new

_COLUMNS = (NewsItem.text, NewsItem.who, NewsItem.begins_at, NewsItem.ends_at)


@dataclass(frozen=True)
class News:
    """A line for the top of every page, until `ends_at` or until a newer one; without text no line is shown."""

    text: str
    who: str
    begins_at: datetime
    ends_at: datetime | None

    def has_ended(self, at: datetime) -> bool:
        """Whether it is over at this instant."""
        return self.ends_at is not None and self.ends_at <= at


def save_news(connection: Connection, request_sha: str, news: Sequence[News]) -> None:
    """Enter what a request says, once."""
    insert_new(connection, NewsItem, [{**vars(one), "request_sha": request_sha} for one in news])


def recent_news(connection: Connection, most: int = 100) -> list[News]:
    """Return the newest news, also what is over, newest first; of two from one instant the order is always the same."""
    query = sa.select(*_COLUMNS).order_by(NewsItem.begins_at.desc(), NewsItem.request_sha.desc()).limit(most)
    return [News(**row._mapping) for row in connection.execute(query)]


def news_in_force(connection: Connection, at: datetime) -> list[News]:
    """Return what is shown now, and behind it what is shown once that has ended; what nobody will see is left out."""
    found: list[News] = []
    for one in recent_news(connection):
        if not one.has_ended(at):
            found.append(one)
            if one.ends_at is None:
                break
    return found
