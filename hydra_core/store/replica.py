"""Reading for pages: from a copy of the database where there is one, never older than what was committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hydra_core.base.telling import Tell
from hydra_core.config.site import Site
from hydra_core.store.passwords import READ_VARIABLE, VARIABLE, is_given
from hydra_core.store.patience import to_stderr
from hydra_core.store.session import open_engine, reading, shown_url

#: How long a copy may take to come up with what it lacks; after that the database itself is read.
CATCH_UP_S = 10


@contextmanager
def reading_for_pages(site: Site, engine: Engine, *, tell: Tell = to_stderr) -> Iterator[Connection]:
    """Yield a connection as `reading` does, of ``read_url`` where that shows all that is committed by now.

    A copy of the database lags behind it. It is read only when it has reached the place at which the database was when
    this was called; a copy that lags for longer, that cannot tell its place, or that is away, is passed over.

    Parameters
    ----------
    engine
        The database itself.
    tell
        Is told when the copy is passed over, and why.
    """
    copy = _copy_of(site)
    why = _behind(engine, copy) if copy is not None else ""
    if copy is not None and why:
        tell(f"pages are made from the database itself, not from {shown_url(copy)}: {why}")
    try:
        with reading(engine if copy is None or why else copy) as connection:
            yield connection
    finally:
        if copy is not None:
            copy.dispose()


def _copy_of(site: Site) -> Engine | None:
    settings = site.settings.database
    if not settings.read_url:
        return None
    if is_given(READ_VARIABLE, settings.read_password_file):
        return open_engine(settings.read_url, variable=READ_VARIABLE, password_file=settings.read_password_file)
    return open_engine(settings.read_url, variable=VARIABLE, password_file=settings.password_file)


def _behind(engine: Engine, copy: Engine) -> str:
    """Return why the copy cannot be read now; empty where it can."""
    try:
        with copy.connect() as there:
            if (copy.url.host, copy.url.port) == (engine.url.host, engine.url.port):
                # The same server: only the user is another one.
                return ""
            with engine.connect() as here:
                if not getattr(engine.dialect, "is_mariadb", False):
                    return "only a copy on MariaDB can tell how far it is"
                place = here.exec_driver_sql("SELECT @@GLOBAL.gtid_binlog_pos").scalar()
            if not place:
                return "the server of the database writes no binary log, so nobody knows how far a copy is"
            reached = there.exec_driver_sql("SELECT MASTER_GTID_WAIT(%s, %s)", (place, CATCH_UP_S)).scalar()
            return "" if reached == 0 else f"it lags for more than {CATCH_UP_S} s"
    except DBAPIError as error:
        return f"it does not answer: {error.orig}"
