"""The password of a database: from the environment or from a file, never from the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL

from hydra_core.base.errors import DatabaseError
from hydra_core.base.telling import Tell
from hydra_core.store.patience import to_stderr

#: The variables with the passwords; those with the name of a file are HYDRA_DB_PASSWORD_FILE and
#: HYDRA_DB_READ_PASSWORD_FILE.
VARIABLE = "HYDRA_DB_PASSWORD"
READ_VARIABLE = "HYDRA_DB_READ_PASSWORD"


def is_given(variable: str, file: Path | None) -> bool:
    """Whether a password is said anywhere."""
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE") or file)


def with_password(url: URL, variable: str = VARIABLE, file: Path | None = None, *, tell: Tell = to_stderr) -> URL:
    """Return the URL with its password: its own, else from `variable`, from the file of `variable`_FILE, from `file`.

    Raises
    ------
    DatabaseError
        When the file cannot be read.
    """
    if url.password is not None:
        return url
    if said := os.environ.get(variable):
        return url.set(password=said)
    named = os.environ.get(f"{variable}_FILE")
    path = Path(named) if named else file
    return url if path is None else url.set(password=_from_file(path, tell))


def _from_file(path: Path, tell: Tell) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
        others = path.stat().st_mode & 0o044
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not text"
        raise DatabaseError(
            f"the password file {path} cannot be read: {cause}",
            next_step="mend HYDRA_DB_PASSWORD_FILE, or password_file in site.toml, or the rights of the file",
        ) from error
    if others:
        tell(f"others can read the password file {path}; chmod 600 it")
    return text
