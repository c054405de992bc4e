"""News: a shard that every page reads, so that pages which are never rewritten show it too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra_core.base.clock import iso
from hydra_core.report.encode import shard
from hydra_core.report.lock import site_lock
from hydra_core.report.rendering import write_if_changed
from hydra_core.report.site_views import NewsView

SHARD = "news.js"


def publish_news(site: Path, news: Sequence[NewsView]) -> str:
    """Write ``news.js``; return its path relative to `site`.

    Parameters
    ----------
    news
        Newest first: a page shows the first one that has not ended when somebody looks at it.
    """
    lines = [
        {"text": one.text, "who": one.who, "at": iso(one.begins_at), "until": iso(one.ends_at) if one.ends_at else None}
        for one in news
    ]
    with site_lock(site):
        write_if_changed(site / SHARD, shard("news", lines))
    return SHARD
