"""An SQLite database: on which file system it lies, and what each connection to it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

BUSY_TIMEOUT_S = 60
_NETWORK_FILE_SYSTEMS = ("nfs", "lustre", "cifs", "smb", "gpfs", "beegfs", "ceph", "afs", "glusterfs", "fuse.sshfs")
_WRITE_AHEAD = 2
#: A run's images are entered by their hashes, each on a page of its own of two large indexes. Pages that memory cannot
#: hold until the transaction ends would be written twice.
_CACHE_KIB = 32 * 1024


def file_system_of(path: Path) -> str:
    """Return the type of the file system that holds `path`, as the kernel names it (``ext4``, ``nfs4``, …)."""
    best, kind = "", "unknown"
    resolved = str(path.resolve())
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount, found, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = resolved == mount or resolved.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind


def journal_mode(folder: Path) -> str:
    """Return the SQLite journal for `folder`: WAL needs shared memory, which a network file system does not give."""
    kind = file_system_of(folder)
    return "DELETE" if kind == "unknown" or kind.startswith(_NETWORK_FILE_SYSTEMS) else "WAL"


def _has_write_ahead_log(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            header = stream.read(20)
    except OSError:
        return False
    return len(header) == 20 and header[18] == _WRITE_AHEAD


def prepare_sqlite(engine: Engine, file: Path) -> None:
    """Make every connection of an engine wait for others, keep what it committed and check its references."""
    mode = journal_mode(file.parent)

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
        moved = mode == "DELETE" and _has_write_ahead_log(file)
        if moved:
            # It was moved here from a local disk: alone, SQLite takes the log in without shared memory.
            cursor.execute("PRAGMA locking_mode = EXCLUSIVE")
        cursor.execute(f"PRAGMA journal_mode = {mode}")
        if moved:
            cursor.execute("PRAGMA locking_mode = NORMAL")
            # The lock is given back by the first access after that.
            cursor.execute("SELECT count(*) FROM sqlite_master").fetchall()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes cannot wait for another writer: it fails at once.
        options = connection.get_execution_options()
        if options.get("hydra_migrating", False):
            # A migration makes tables anew under the same name: the old one's rows must not take others with them.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        writing = options.get("hydra_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
