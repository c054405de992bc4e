"""Sending a request from a command: through the inbox, like everybody else's, and received at once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from sqlalchemy.engine import Engine

from hydra_core.base.errors import RequestError
from hydra_core.base.files import sha256_bytes, write_bytes
from hydra_core.config.site import Site
from hydra_core.labels.inbox import Prepare, Received, account_name, receive_file
from hydra_core.store.labelbook import known_requests
from hydra_core.store.session import reading


def sender() -> str:
    """Return the account that this program runs under: who a request is from, unless somebody says otherwise."""
    return account_name(os.getuid())


def send(site: Site, engine: Engine, data: bytes, kind: str, effects: Mapping[str, Prepare] | None = None) -> Received:
    """Put a request into the inbox and take it in; other files that wait there are left alone.

    Parameters
    ----------
    kind
        How its file is called.
    effects
        See `inbox.receive`; needed for a request about models.

    Raises
    ------
    RequestError
        When it was refused, with the reason, or the inbox cannot be written to.
    """
    path = site.inbox / f"{kind}-{secrets.token_hex(6)}.json"
    try:
        write_bytes(path, data)
    except OSError as error:
        raise RequestError(
            f"the inbox {site.inbox} cannot be written to: {error.strerror}", next_step="ask whoever runs the site"
        ) from error
    received = receive_file(site, engine, path, effects or {})
    with reading(engine) as connection:
        # Another task may have taken it in in this very moment.
        if not known_requests(connection, [sha256_bytes(data)]):
            raise RequestError(f"the request was refused: {received.refused}")
    return received
