"""The folders for state, and atomic writing: a file is whole or absent, and private.

`ROOMWISE_HOME` moves everything; the default folders are the platform's. An OSError becomes a StorageError
with a remedy.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import platformdirs

from core.errors import RoomwiseError, StorageError
from core.parts import delete_left_over, find_parts, held, new_part, part_name, parts_of

_FILE, _FOLDER = 0o600, 0o700
"""Modes of what holds what people said and showed, and their tokens: nobody else reads it."""

_FREE_SPACE = "Free some space and run it again; what was there before is unchanged."
_REMEDIES = {
    errno.ENOSPC: f"The disk is full. {_FREE_SPACE}",
    errno.EDQUOT: f"Your quota is used up. {_FREE_SPACE}",
    errno.EACCES: "Permission is denied. Choose another place or change its permissions.",
    errno.EPERM: "Permission is denied. Choose another place or change its permissions.",
    errno.EROFS: "The file system is read-only. Choose another place, or set ROOMWISE_HOME to one.",
    errno.ENOENT: "There is no such file or folder. Check the path.",
    errno.EEXIST: "A file of that name is in the way. Choose another name, or move it away.",
    errno.EISDIR: "That is a folder, a file is needed. Check the path.",
    errno.ENOTDIR: "A part of the path is a file, not a folder. Check the path.",
    errno.ENOTEMPTY: "The folder is not empty. Move it away or choose another name.",
    errno.ENAMETOOLONG: "The name is too long. Choose a shorter one.",
}
_REMEDIES |= dict.fromkeys(
    (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP),
    "The disk knows no locks, as some network disks do not. Set ROOMWISE_HOME to a folder on another disk.",
)
_RUST_CODE = re.compile(r"\(os error (\d+)\)")


def state_dir() -> Path:
    """The folder for sessions, memory and adapters. Not created here."""
    return home_folder("state", platformdirs.user_state_path)


def cache_dir() -> Path:
    """The folder for what can be made again, such as rendered rooms. Not created here."""
    return home_folder("cache", platformdirs.user_cache_path)


def config_dir() -> Path:
    """The folder of the user's own roomwise.toml. Not created here."""
    return home_folder("", platformdirs.user_config_path)


def home_folder(part: str, default: Callable[[str], Path]) -> Path:
    """A folder of ours below ROOMWISE_HOME, or the platform's. Raises StorageError without either."""
    home = os.environ.get("ROOMWISE_HOME")
    try:
        path = expand_user(home) / part if home else default("roomwise")
        # A system without a home folder raises, or leaves the ~ as it is.
        if path.parts[:1] != ("~",) and str(path).encode():
            return path
    except UnicodeEncodeError:
        raise StorageError(f"{path!a} is not valid UTF-8. Set ROOMWISE_HOME to another folder.") from None
    except RuntimeError:
        pass
    raise StorageError("This user has no home folder. Set ROOMWISE_HOME to a folder, or HOME.")


def expand_user(path: str) -> Path:
    """The path with a ~ in front made the home folder. Raises StorageError where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise StorageError(
            f"There is no home folder for {path}. Write the whole path, or set HOME."
        ) from error


@contextlib.contextmanager
def storage_errors(action: str, path: Path) -> Iterator[None]:
    """Turn a system error inside into a StorageError: "Cannot `action` `path`: ...", then the remedy.

    Rust libraries (safetensors, tokenizers) report a full disk in their own types, with "(os error 28)" in
    the text; these count too. Everything else passes through.
    """
    try:
        yield
    except Exception as error:
        remedy = _remedy(error)
        if remedy is None:
            raise
        raise StorageError(f"Cannot {action} {path}. {remedy}") from error


@contextlib.contextmanager
def system_errors() -> Iterator[None]:
    """Turn a system error that nobody expected inside into a StorageError that names its file."""
    try:
        yield
    except OSError as error:
        file = f"Cannot use {error.filename}. " if error.filename is not None else ""
        raise StorageError(f"{file}{_remedy(error)}") from error


def _remedy(error: Exception) -> str | None:
    """What helps against a system error; None for other errors."""
    # NUL and surrogates, which no path can hold.
    if isinstance(error, UnicodeEncodeError) or (isinstance(error, ValueError) and "null" in str(error)):
        return "A file cannot have this name. Check the path."
    code = _system_code(error)
    return None if code is None else _REMEDIES.get(code, f"{error}. Check the disk and the path.")


def _system_code(error: Exception) -> int | None:
    """The errno of a system error, 0 without a number; None for other errors."""
    if isinstance(error, OSError):
        return error.errno or 0
    match = None if isinstance(error, RoomwiseError) else _RUST_CODE.search(str(error))
    return int(match[1]) if match else None


def make_folder(path: Path, mode: int = _FOLDER) -> None:
    """Make a folder and those above it that are missing, for this user alone. Raises OSError."""
    if not path.is_dir():
        make_folder(path.parent, mode)
        path.mkdir(mode, exist_ok=True)


def private(path: str, flags: int) -> int:
    """An opener for `open`, with which a new file is this user's alone."""
    return os.open(path, flags, _FILE)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that `path` always holds the old content or the new, even after a power cut.

    Parent folders are made; all is this user's alone. Raises StorageError and leaves nothing behind.
    """
    path = Path(path)
    with storage_errors("write", path):
        make_folder(path.parent)
        with new_part(path) as (descriptor, part):
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            part.replace(path)
        _sync_folder(path.parent)


def atomic_write_text(path: Path, text: str) -> None:
    """`atomic_write_bytes` of the text in UTF-8, line ends as given."""
    atomic_write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Fill a temporary file that gets its name at the end, or not at all. Raises StorageError, also when the
    file exists.
    """
    with storage_errors("write", path):
        if path.exists():
            raise StorageError(f"{path} is there already. Choose another name, or move it away.")
        make_folder(path.parent)
        _sweep(parts_of(path))
        with new_part(path) as (descriptor, part):
            yield part
            os.fsync(descriptor)
            part.rename(path)


@contextlib.contextmanager
def atomic_directory(path: Path, *, replace: bool = False, shared: bool = False) -> Iterator[Path]:
    """Yield a new folder beside `path` and rename it to `path` at the end, or remove it on any error.

    An existing `path` is refused, unless `replace`: then it is swapped last, and restored if that fails, or
    by `sweep` if this is killed. All is this user's alone, unless `shared`: then as the umask has it, for
    weights that others load. Raises StorageError.
    """
    path = Path(path)
    with storage_errors("write", path):
        make_folder(path.parent, 0o777 if shared else _FOLDER)
        _sweep(parts_of(path))  # which may bring `path` back
        if path.exists() and not replace:
            raise FileExistsError(errno.ENOTEMPTY, "exists", str(path))
        with new_part(path, folder=True) as (_, part):
            yield part
            _sync_tree(part, _shared_mode(part) if shared else _FOLDER)
            _swap_in(part, path)


def _swap_in(part: Path, path: Path) -> None:
    if not path.exists():
        part.rename(path)
        return
    with new_part(path, old=True) as (_, old):
        path.rename(old / path.name)
        try:
            part.rename(path)
        except OSError:
            (old / path.name).rename(path)
            raise


def delete_folder(path: Path) -> None:
    """Delete a folder for good. Its name goes first, so that `sweep` finds what a killed deletion left.
    Raises StorageError.
    """
    with storage_errors("delete", path), held(path):
        shutil.rmtree(path.rename(part_name(path)))


def sweep(folder: Path) -> None:
    """Delete what killed processes left half written or half deleted below a folder, and bring back what
    they were about to replace. Raises StorageError.
    """
    _sweep(find_parts(folder))


def _sweep(parts: Iterable[Path]) -> None:
    for part in parts:
        with storage_errors("delete", part):
            delete_left_over(part)


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes as 64 hexadecimal digits, read in pieces. Raises StorageError."""
    digest = hashlib.sha256()
    with storage_errors("read", Path(path)), Path(path).open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def safetensors_metadata(data: bytes) -> dict[str, Any]:
    """The metadata of a safetensors file's bytes, which safetensors.numpy writes but does not read."""
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, Any] = json.loads(data[8 : 8 + length])["__metadata__"]
    return metadata


def _shared_mode(folder: Path) -> int:
    """The mode of a new folder by the umask, which cannot be read without setting it for all threads."""
    probe = folder / "probe"
    probe.mkdir()
    mode = stat.S_IMODE(probe.stat().st_mode)
    probe.rmdir()
    return mode


def _sync_tree(folder: Path, mode: int) -> None:
    """Put all of it on the disk, with this mode; files cannot be executed."""
    for path in (folder, *sorted(folder.rglob("*"))):
        if path.is_file():
            path.chmod(mode & 0o666)
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
        elif path.is_dir():
            path.chmod(mode)


def _sync_folder(folder: Path) -> None:
    # A rename is on the disk once its folder is. Windows cannot open folders, and needs no sync.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
