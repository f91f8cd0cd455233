import sqlite3
from pathlib import Path

import pytest

from core.errors import StorageError
from memory import schema
from memory.schema import (
    APPLICATION_ID,
    MIGRATIONS,
    database_errors,
    needs_migration,
    open_database,
    transaction,
)


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_database_is_up_to_date_and_safe(tmp_path: Path) -> None:
    database = open_database(tmp_path / "x", writing=True)
    wanted = {"user_version": len(MIGRATIONS), "application_id": APPLICATION_ID, "journal_mode": "wal"}
    wanted |= {"synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    for pragma, value in wanted.items():
        assert database.execute(f"PRAGMA {pragma}").fetchone() == (value,), pragma
    assert {"pairs", "history"} <= _tables(database)
    database.close()
    assert not needs_migration(tmp_path / "x") and not needs_migration(tmp_path / "y")


def test_an_older_database_is_brought_up_to_date_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
    database = open_database(tmp_path / "x", writing=True)
    row = ("a" * 32, "hall", "?", "!", "0" * 64, "expert", "e", "now", None)
    database.execute(f"INSERT INTO pairs VALUES (NULL, {', '.join('?' * 9)})", row)
    database.close()
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS)
    assert needs_migration(tmp_path / "x")
    database = open_database(tmp_path / "x", writing=True)
    assert database.execute("SELECT id, asker FROM pairs").fetchall() == [("a" * 32, "person")]
    database.close()
    assert not needs_migration(tmp_path / "x")


def test_a_step_that_fails_is_undone_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(tmp_path / "x", writing=True).close()
    broken = (*MIGRATIONS, ("CREATE TABLE half (x)", "CREATE TABLE half (x)"))
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(StorageError, match="already exists"):
        open_database(tmp_path / "x", writing=True)
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS)
    database = open_database(tmp_path / "x", writing=True)
    assert "half" not in _tables(database)
    database.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "x", writing=True)
    with pytest.raises(ZeroDivisionError), transaction(database):
        database.execute("CREATE TABLE half (x)")
        raise ZeroDivisionError
    assert "half" not in _tables(database) and not database.in_transaction
    database.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    open_database(tmp_path / "x", writing=True).close()
    database = open_database(tmp_path / "x", writing=False)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("DELETE FROM pairs")
    database.close()


def test_a_place_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"permission is denied\. Change its permissions"):
        open_database(tmp_path / "gone" / "x", writing=True)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("database or disk is full", "disk is full"),
        ("disk I/O error", "If it is full"),
        ("malformed", "damaged"),
    ],
)
def test_a_full_disk_is_not_taken_for_damage(tmp_path: Path, error: str, told: str) -> None:
    with pytest.raises(StorageError, match=told), database_errors(tmp_path):
        raise sqlite3.OperationalError(error)


def test_what_cannot_be_written_beside_is_read_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
    path = tmp_path / "x"
    writer = open_database(path, writing=True)  # still open: its last row is in the write-ahead log alone
    row = ("a" * 32, "hall", "?", "!", "0" * 64, "expert", "e", "now", None)
    writer.execute(f"INSERT INTO pairs VALUES (NULL, {', '.join('?' * 9)})", row)
    before = path.read_bytes()
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS)
    monkeypatch.setattr("os.access", lambda *_: False)

    def refuse(place: Path | str) -> sqlite3.Connection:
        if place == path:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(place)

    connect = schema._connect
    monkeypatch.setattr(schema, "_connect", refuse)
    copy = open_database(path, writing=False)
    assert copy.execute("SELECT id, asker FROM pairs").fetchall() == [("a" * 32, "person")]
    assert path.read_bytes() == before
    copy.close()
    writer.close()
