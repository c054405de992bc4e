"""A MariaDB server of a test's own: it can be killed, started again, and set up as badly as servers come."""

from __future__ import annotations

import getpass
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.own_cylc import wait_until


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    assert found, f"{name} is missing; make services brings it"
    return found


@cache
def _empty_server(base: Path) -> Path:
    """Make the system tables once; every server begins with a copy of them."""
    data = base / "mariadb-empty"
    command = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", f"--user={getpass.getuser()}"]
    done = subprocess.run([*command, "--skip-test-db"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return data


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class OwnMariaDB:
    """One server process, on the loopback interface.

    Attributes
    ----------
    options
        What it is started with besides.
    password
        Of the user ``hydra``, who may do everything.
    """

    folder: Path
    options: tuple[str, ...] = ()
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    port: int = field(default_factory=_free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        wait_until(self.answers, f"MariaDB answers; see {self.folder / 'log'}")

    def launch(self) -> None:
        """Start it without waiting."""
        grants = self.folder / "grants.sql"
        grants.write_text(
            f"CREATE OR REPLACE USER hydra@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO hydra@'127.0.0.1' WITH GRANT OPTION;\n",
            encoding="utf-8",
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(
                        _program("mariadbd"),
                        "--no-defaults",
                        f"--datadir={self.folder / 'data'}",
                        "--skip-name-resolve",
                    ),
                    *(f"--user={getpass.getuser()}", "--bind-address=127.0.0.1", f"--port={self.port}"),
                    # A socket's path may have 107 characters: it is relative to the data, where the server stands.
                    *("--socket=mariadb.sock", f"--pid-file={self.folder / 'pid'}", f"--init-file={grants}"),
                    "--skip-name-resolve",
                    *(
                        "--innodb-buffer-pool-size=32M",
                        "--innodb-log-file-size=8M",
                        "--innodb-flush-log-at-trx-commit=2",
                    ),
                    "--performance-schema=OFF",
                    *self.options,
                ],
                cwd=self.folder / "data",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def answers(self) -> bool:
        """Whether the user ``hydra`` can log in."""
        assert self.process
        assert self.process.poll() is None, (self.folder / "log").read_text(encoding="utf-8")[-2000:]
        try:
            self.ask("SELECT 1")
        except sa.exc.OperationalError:
            return False
        return True

    def ask(self, *statements: str) -> list[tuple[object, ...]]:
        """Do statements, each by itself; return the rows of the last."""
        engine = sa.create_engine(self.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                found = connection.exec_driver_sql(statement)
                rows = [tuple(row) for row in found] if found.returns_rows else []
        return rows

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def url(self, database: str = "", *, user: str = "hydra", password: str | None = None) -> str:
        """Return a URL with its password."""
        said = self.password if password is None else password
        return f"mysql+pymysql://{user}:{said}@127.0.0.1:{self.port}/{database}"

    def bare_url(self, database: str, user: str = "hydra") -> str:
        """Return a URL as ``site.toml`` has it."""
        return f"mysql+pymysql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, characters: str = "utf8mb4") -> str:
        """Make an empty database; return its name."""
        name = f"hydra_{secrets.token_hex(4)}"
        self.ask(f"CREATE DATABASE {name} CHARACTER SET {characters}")
        return name

    def password_file(self) -> Path:
        """Return a file with the password that nobody else can read."""
        path = self.folder / "password"
        path.touch(mode=0o600)
        path.write_text(f"{self.password}\n", encoding="utf-8")
        return path


@contextmanager
def own_mariadb(base: Path, folder: Path, *options: str) -> Iterator[OwnMariaDB]:
    """Run a server whose files lie in `folder`; `base` is where the empty one is kept for all."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_empty_server(base), folder / "data")
    server = OwnMariaDB(folder, options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
