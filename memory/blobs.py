"""Frames, depth frames and teacher signals as files named by content hash, so that each is kept once."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from core.errors import StorageError
from core.files import atomic_write_bytes, storage_errors

FRAME, SIGNAL, DEPTH = ".jpg", ".safetensors", ".png"
_NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|safetensors|png)")


class Blobs:
    """The files of one folder. `kind` is FRAME, SIGNAL or DEPTH everywhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes, kind: str) -> str:
        """Write the bytes to the disk; returns their SHA-256. Raises StorageError."""
        name = hashlib.sha256(data).hexdigest()
        path = self.path(name, kind)
        # An existing file was written whole, but disks age: compare its bytes.
        if not path.is_file() or path.read_bytes() != data:
            atomic_write_bytes(path, data)
        return name

    def get(self, name: str, kind: str) -> bytes:
        """The bytes of that name. Raises StorageError when they are gone or have changed."""
        path = self.path(name, kind)
        with storage_errors("read", path):
            data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != name:
            raise StorageError(f"{path} is damaged. Bring back an export: roomwise memory import FOLDER")
        return data

    def path(self, name: str, kind: str) -> Path:
        """The path of such a file."""
        return self.folder / f"{name}{kind}"

    def remove(self, name: str, kind: str) -> None:
        """Delete the file if it exists. Raises StorageError."""
        path = self.path(name, kind)
        with storage_errors("delete", path):
            path.unlink(missing_ok=True)

    def names(self) -> set[str]:
        """File names of all blobs."""
        paths = self.folder.iterdir() if self.folder.is_dir() else iter(())
        return {path.name for path in paths if _NAME.fullmatch(path.name)}

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete all other blobs."""
        for path in (self.folder / name for name in self.names() - set(names)):
            with storage_errors("delete", path):
                path.unlink(missing_ok=True)
