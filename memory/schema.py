"""The tables of a memory, as numbered migrations.

They are the files in migrations/. Add new ones and never edit old ones: they have run in people's homes.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.errors import StorageError
from core.files import private, storage_errors

DATABASE = "memory.sqlite3"
"""Its name in a memory's folder."""
APPLICATION_ID = 0x526F6F6D
"""Marks a database as a memory, so that no other program's is touched."""


def _read(path: Path) -> tuple[str, ...]:
    """The statements of a migration; each ends with a semicolon at the end of a line."""
    return tuple(part.strip() for part in path.read_text(encoding="utf-8").split(";\n") if part.strip())


MIGRATIONS = tuple(_read(path) for path in sorted((Path(__file__).parent / "migrations").glob("*.sql")))
_DAMAGED = ("malformed", "not a database", "disk image")


@contextlib.contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn database errors inside into StorageErrors with a remedy."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a bug of ours
    except UnicodeDecodeError as error:  # of what the database says is wrong
        raise StorageError(f"Cannot use {path}: {_remedy('malformed', path)}") from error
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        raise StorageError(f"Cannot use {path}: {_remedy(str(error), path)}") from error


def open_database(path: Path, writing: bool) -> sqlite3.Connection:
    """The memory at `path`, created or migrated when `writing`; autocommit, see `transaction`.

    Without `writing`, a missing file reads as empty and nothing is written. Raises StorageError for a
    damaged, foreign or newer database.
    """
    with database_errors(path):
        if not writing and path.exists():
            return _open_to_read(path)
        if writing:
            with contextlib.suppress(OSError):  # which SQLite reports
                os.close(private(str(path), os.O_RDWR | os.O_CREAT))  # what it makes may be read by others
        return _prepared(_connect(path if writing else ":memory:"), path, writing=True)


def _open_to_read(path: Path) -> sqlite3.Connection:
    try:
        return _prepared(_connect(path), path, writing=False)
    except sqlite3.OperationalError:
        # Even a reader writes beside a database with a write-ahead log, which a read-only disk forbids.
        if os.access(path.parent, os.W_OK):
            raise
        return _prepared(_copied(path), path, writing=True)


def _copied(path: Path) -> sqlite3.Connection:
    """A database in this process's memory, with what is in the write-ahead log."""
    database = _connect(":memory:")
    with storage_errors("read", path), tempfile.TemporaryDirectory() as folder:
        for file in (path, path.with_name(f"{path.name}-wal")):
            if file.exists():
                shutil.copyfile(file, Path(folder) / file.name)
        with contextlib.closing(_connect(Path(folder) / path.name)) as copy:
            copy.backup(database)
    return database


def _connect(place: Path | str) -> sqlite3.Connection:
    # The caller promises one thread at a time, but it may change.
    return sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=10)


def _prepared(database: sqlite3.Connection, path: Path, writing: bool) -> sqlite3.Connection:
    try:
        _prepare(database, path, writing)
    except BaseException:
        database.close()
        raise
    return database


def needs_migration(path: Path) -> bool:
    """Whether there is a database that must be migrated before it can be read."""
    if not path.is_file():
        return False
    with database_errors(path), contextlib.closing(_open_to_read(path)) as database:
        return _check_version(database, path) < len(MIGRATIONS)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Execute all of the statements inside, or none."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _prepare(database: sqlite3.Connection, path: Path, writing: bool) -> None:
    version = _check_version(database, path)
    if writing:
        database.execute("PRAGMA journal_mode = WAL")
        # A remembered answer is on the disk, and deleted data is overwritten.
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA foreign_keys = ON")
        _migrate(database, version)
    else:
        database.execute("PRAGMA query_only = ON")


def _check_version(database: sqlite3.Connection, path: Path) -> int:
    """The number of migrations that the database has had. Raises StorageError."""
    (problem,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise StorageError(f"Cannot use {path}: {_remedy('malformed', path)}")
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID and (tables or application or version):
        raise StorageError(
            f"{path} is another program's database. Move it away, or set ROOMWISE_HOME elsewhere."
        )
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path} was written by a newer roomwise (version {version} of its tables, {len(MIGRATIONS)} "
            "are known here). Update roomwise."
        )
    return int(version)


def _migrate(database: sqlite3.Connection, version: int) -> None:
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        with transaction(database):
            for statement in statements:
                database.execute(statement)
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {number}")


def _remedy(error: str, path: Path) -> str:
    if "full" in error:
        return "the disk is full. Free some space and run it again; what was there before is unchanged."
    if "disk I/O" in error:  # what a full disk is called while the database's shared memory grows
        return (
            "the disk refused. If it is full, free some space and run it again; if it is failing, bring "
            "back an export on another one: roomwise memory import FOLDER."
        )
    if any(word in error for word in _DAMAGED):
        return (
            "it is damaged. Move it and the files beside it away, "
            f"then bring back an export: roomwise memory import FOLDER. Nothing in {path.parent} was changed."
        )
    if "locked" in error:
        return "another program is using it. Wait for it to end, or end it."
    if "readonly" in error or "unable to open" in error:
        return "permission is denied. Change its permissions, or set ROOMWISE_HOME elsewhere."
    return f"{error}. Check the disk, or bring back an export: roomwise memory import FOLDER."
