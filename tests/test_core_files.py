import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from tiny_processes import killed_before

from core.errors import StorageError
from core.files import (
    atomic_directory,
    atomic_write_bytes,
    atomic_write_text,
    cache_dir,
    config_dir,
    new_file,
    sha256_file,
    state_dir,
    storage_errors,
    sweep,
)


def _disk_full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(data=st.binary(max_size=2000))
def test_what_is_written_is_read_back(tmp_path: Path, data: bytes) -> None:
    target = tmp_path / "folder" / "file.bin"
    atomic_write_bytes(target, data)
    assert target.read_bytes() == data
    assert sha256_file(target) == hashlib.sha256(data).hexdigest()
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    target = tmp_path / "model.safetensors"
    atomic_write_text(target, "old")
    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[step], _disk_full)
    with pytest.raises(StorageError, match=r"disk is full\. Free some space"):
        atomic_write_text(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_system_itself_saying_full_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(**_: object) -> tuple[int, str]:
        (tmp_path / "part").touch()
        return os.open("/dev/full", os.O_WRONLY), str(tmp_path / "part")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(StorageError, match="disk is full"):
        atomic_write_bytes(tmp_path / "x", b"x" * 100_000)
    assert not list(tmp_path.iterdir())


def _modes(folder: Path) -> set[str]:
    return {oct(stat.S_IMODE(path.stat().st_mode)) for path in (folder, *folder.rglob("*"))}


def test_what_is_written_is_its_users_alone_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "umask", None)  # which is all threads', so that setting it opens their files
    atomic_write_text(tmp_path / "a" / "b" / "text", "x")
    with atomic_directory(tmp_path / "a" / "folder") as folder:
        (folder / "in").mkdir()
        (folder / "in" / "file").touch(0o644)
    with new_file(tmp_path / "a" / "export") as path:
        path.write_text("x")
    assert _modes(tmp_path / "a") == {"0o700", "0o600"}


def test_shared_weights_are_as_readable_as_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").touch()
    with atomic_directory(tmp_path / "model", shared=True) as folder:
        atomic_write_text(folder / "config.json", "{}")
    assert _modes(tmp_path / "model") == _modes(tmp_path / "plain")


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with atomic_directory(target) as folder:
        (folder / "config.json").write_text("{}")
        assert not target.exists()
    assert (target / "config.json").read_text() == "{}"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_fails_never_was(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="disk is full"), atomic_directory(tmp_path / "model") as folder:
        (folder / "part").write_text("x")
        _disk_full()
    assert not list(tmp_path.iterdir())


def test_an_interrupt_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), atomic_directory(tmp_path / "model"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_refused_or_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(StorageError, match="not empty"), atomic_directory(target):
        pass
    with atomic_directory(target, replace=True) as folder:
        (folder / "new").touch()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_replacement_that_fails_brings_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    rename = Path.rename

    def fail_for_the_new_one(self: Path, other: Path) -> Path:
        if self.name.endswith(".part"):
            _disk_full()
        return rename(self, other)

    with pytest.raises(StorageError), atomic_directory(target, replace=True):
        monkeypatch.setattr(Path, "rename", fail_for_the_new_one)
    assert [path.name for path in target.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_replacement_that_is_killed_at_any_step_leaves_the_old_folder_or_the_new(tmp_path: Path) -> None:
    target = tmp_path / ("long " * 12 + "model")
    for step in range(20):
        with atomic_directory(target, replace=True) as folder:
            (folder / "old").touch()
        killed = killed_before(step, lambda: _replace(target))
        sweep(tmp_path)
        assert [path.name for path in target.iterdir()] in (["old"], ["new"])
        assert list(tmp_path.iterdir()) == [target]
        if not killed:
            break
    assert step > 2


def _replace(target: Path) -> None:
    with atomic_directory(target, replace=True) as folder:
        (folder / "new").touch()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot read .*gone\. There is no such file"):
        sha256_file(tmp_path / "gone")


def test_a_library_written_in_rust_is_understood(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"), storage_errors("write", tmp_path):
        save_file({}, tmp_path / "gone" / "model.safetensors")


def test_what_is_not_the_systems_fault_passes_through(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), storage_errors("write", tmp_path):
        raise ZeroDivisionError


def test_one_variable_moves_everything(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(folder.is_relative_to(isolated) for folder in (state_dir(), cache_dir(), config_dir()))
    monkeypatch.delenv("ROOMWISE_HOME")
    assert not any(folder.is_relative_to(isolated) for folder in (state_dir(), cache_dir(), config_dir()))


def test_what_killed_writers_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".a.json.x.part").write_text("half")
    (tmp_path / ".0001.y.part").mkdir()
    (tmp_path / ".0001.y.part" / "file").write_text("half")
    (tmp_path / "a.part").write_text("whole")
    (tmp_path / ".lock").write_text("")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "a.part"]
    sweep(tmp_path / "nowhere")


def test_a_tilde_in_roomwise_home_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("ROOMWISE_HOME", "~/rw")
    assert state_dir() == Path("/somewhere/rw/state") and config_dir() == Path("/somewhere/rw")


@pytest.mark.parametrize("raises", [True, False])
def test_a_user_without_a_home_folder_is_told_what_helps(
    monkeypatch: pytest.MonkeyPatch, raises: bool
) -> None:
    def user_path(name: str) -> Path:
        if raises:
            raise RuntimeError("no home")
        return Path("~/.local/state", name)

    monkeypatch.delenv("ROOMWISE_HOME")
    monkeypatch.setattr("platformdirs.user_state_path", user_path)
    with pytest.raises(StorageError, match="Set ROOMWISE_HOME to a folder"):
        state_dir()


def test_a_home_that_is_no_utf_8_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWISE_HOME", "/r\udce9sum\udce9")
    with pytest.raises(StorageError, match="not valid UTF-8"):
        cache_dir()


@pytest.mark.parametrize("name", ["a\0b", "r\udce9", "x" * 300])
def test_a_name_that_no_file_can_have_is_a_storage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError), storage_errors("read", tmp_path / name):
        (tmp_path / name).read_bytes()
