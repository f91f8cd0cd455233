"""A job as bytes, for machines that cannot reach its folder: a tar of plain files, made and read by us.

Neither side trusts the other: names stay below the folder, nothing is a link, sizes are bounded.
"""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.jobs.job import RESULT, write_request
from adapters.jobs.request import Request
from core.errors import StorageError
from core.files import atomic_write_bytes, storage_errors
from core.types import Example

MOST_BYTES, MOST_FILES = 512 * 1024 * 1024, 20_000
"""Limits in either direction."""


def with_paths(request: Request, to: Callable[[Path], Path]) -> Request:
    """The request with every path put through `to`."""

    def examples(originals: Sequence[Example]) -> list[Example]:
        return [replace(old, image=to(old.image), signal=old.signal and to(old.signal)) for old in originals]

    pairs = {name: examples(getattr(request, name)) for name in ("train", "hold_out", "extra", "replay")}
    folders = {name: getattr(request, name) for name in ("current", "probe", "parent")}
    changed: dict[str, Any] = {**pairs, **{name: path and to(path) for name, path in folders.items()}}
    return replace(request, **changed)


def parcel_of(request: Request) -> bytes:
    """The request with all files it names, to be unpacked anywhere. Raises StorageError."""
    names: dict[Path, Path] = {}
    with tempfile.TemporaryDirectory(prefix="roomwise-") as temporary:
        folder = Path(temporary)

        def copy_file(path: Path) -> Path:
            if path not in names:
                names[path] = Path(f"{len(names)}{path.suffix}")
                with storage_errors("read", path):
                    if path.is_dir():
                        shutil.copytree(path, folder / names[path])
                    elif path.exists():  # a probe set may not be: then it is made
                        shutil.copyfile(path, folder / names[path])
            return names[path]

        write_request(folder, with_paths(request, copy_file))
        return pack(folder)


def pack(folder: Path, names: Collection[str] = ()) -> bytes:
    """The plain files below a folder as a tar; with `names` only these top-level files and folders. Raises
    StorageError, also when the limits are exceeded.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    inside = {path.relative_to(folder): path for path in files}
    chosen = {name: path for name, path in inside.items() if not names or name.parts[0] in names}
    with storage_errors("read", folder):
        _check_amount(len(chosen), sum(path.stat().st_size for path in chosen.values()))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, path in chosen.items():
                member = tarfile.TarInfo(name.as_posix())
                data = path.read_bytes()
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def unpack(data: bytes, folder: Path, names: Collection[str] = ()) -> None:
    """Write the files of a tar below a folder, the result last; nothing unless all of it is valid. Raises
    StorageError for a name that leads elsewhere or does not begin with one of `names`, for anything but a
    plain file, and beyond the limits.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            contents = dict(_members(tar, names))
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise _refusal(f"is no tar: {error}") from error
    for name in sorted(contents, key=lambda name: name == RESULT):  # its presence says that the rest is there
        atomic_write_bytes(folder / name, contents[name])


def _members(tar: tarfile.TarFile, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    count = total = 0
    for member in tar:
        count, total = count + 1, total + member.size
        _check_amount(count, total)
        check_name(member.name, names)
        file = tar.extractfile(member) if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
        if file is None:
            raise _refusal(f"holds {member.name!r}, which is no plain file")
        yield member.name, file.read()


def check_name(name: str, names: Collection[str] = ()) -> None:
    """Raises StorageError unless it leads below a folder on any system, and by one of `names` if given."""
    parts = name.split("/")  # of an absolute path the first is empty
    strange = any(part in ("", ".", "..") or set(part) & set("\\:\0") for part in parts)
    if strange or (names and parts[0] not in names):
        raise _refusal(f"holds a file named {name!r}, which does not belong there")


def _check_amount(files: int, size: int) -> None:
    if files > MOST_FILES or size > MOST_BYTES:
        raise StorageError(
            f"A job of {files:,} files and {size:,} bytes does not travel; {MOST_FILES:,} and {MOST_BYTES:,} "
            "may. Use a folder that all machines share."
        )


def _refusal(reason: str) -> StorageError:
    return StorageError(f"What came for this job {reason}. Look after the machine that sent it.")
