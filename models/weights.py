"""Check a checkpoint folder before and after loading. Only safetensors are read: pickles can run code."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic
from typing_extensions import TypedDict

from core.errors import RoomwiseError, WeightsError
from core.files import storage_errors
from core.untrusted import FileName, Malformed, parse_as, read_as, typed

DIGEST_FILE = "weights.sha256"
"""Optional in a checkpoint folder: the digest of its tensors, as text."""
_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_HEADER_LENGTH = 8
_LARGEST_HEADER = 100_000_000
_READ_TYPES = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "BOOL"})
"""Of tensors; weights in others are quantised."""


class _Entry(TypedDict):
    dtype: str
    shape: list[pydantic.NonNegativeInt]
    data_offsets: tuple[pydantic.NonNegativeInt, pydantic.NonNegativeInt]


class _Index(TypedDict):
    weight_map: dict[str, FileName]


@contextlib.contextmanager
def others_files(complaint: str, remedy: str = "Get the whole checkpoint again.") -> Iterator[None]:
    """Turn what a library raises over files that it reads inside into a WeightsError, with its reason."""
    try:
        yield
    except RoomwiseError:
        raise
    except BaseException as error:
        # tokenizers raises Exception itself and, where its Rust code panics, not even that.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        raise WeightsError(f"{complaint}: {reason}. {remedy}") from error


def read_config(folder: Path) -> dict[str, Any]:
    """The checkpoint's config.json. Raises WeightsError when it is missing or no JSON object."""
    path = folder / "config.json"
    if not path.is_file():
        raise WeightsError(f"{folder} has no config.json. Give a folder in the hub's layout.")
    config: dict[str, Any] = read_as(path, dict[str, Any], WeightsError, "Get it again.")
    return config


def check_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint. Raises WeightsError unless each is whole.

    Whole: the header is readable and the data as long as it says. Only `check_digest` finds changed bytes.
    """
    files = _files(folder)
    for path in files:
        _header(path)
    return files


def check_types(files: Iterable[Path]) -> None:
    """Raise WeightsError for safetensors files with quantised weights, which need a library of their own."""
    for path in files:
        if others := sorted({entry["dtype"] for entry in _header(path).values()} - _READ_TYPES):
            raise WeightsError(
                f"The weights in {path} are of type {others[0]}, which is not read. "
                "Get them in float32, float16 or bfloat16."
            )


def digest(folder: Path) -> str:
    """SHA-256 over all tensors, 64 hexadecimal digits: names in order, types, shapes, bytes.

    However the weights are split into files, the digest is the same. Raises WeightsError, StorageError.
    """
    tensors = {name: (path, entry) for path in _files(folder) for name, entry in _header(path).items()}
    total = hashlib.sha256()
    for name in sorted(tensors):
        path, entry = tensors[name]
        total.update(f"{name}\0{entry['dtype']}\0{entry['shape']}\0".encode())
        begin, end = entry["data_offsets"]
        with storage_errors("read", path), path.open("rb") as file:
            file.seek(_HEADER_LENGTH + int.from_bytes(file.read(_HEADER_LENGTH), "little") + begin)
            total.update(file.read(end - begin))
    return total.hexdigest()


def check_digest(folder: Path) -> None:
    """Raise WeightsError when the folder holds a digest that its tensors do not have."""
    path = folder / DIGEST_FILE
    if not path.is_file():
        return
    with storage_errors("read", path):
        expected = path.read_bytes().decode("ascii", errors="replace").strip()
    if digest(folder) != expected:
        raise WeightsError(
            f"The weights in {folder} are damaged. Get them again; if you changed them yourself, "
            f"delete {DIGEST_FILE} there."
        )


def check_loading(name: str, info: Mapping[str, Any]) -> None:
    """Raise WeightsError when weights and configuration did not fit.

    `info` comes from `from_pretrained(..., output_loading_info=True)`.
    """
    for kind in ("mismatched_keys", "missing_keys", "unexpected_keys"):
        if keys := sorted(str(key) for key in info.get(kind) or ()):
            raise WeightsError(
                f"The weights of {name} belong to another base: {len(keys)} {kind.replace('_', ' ')}, "
                f"first {keys[0]}. Put config.json and weights of the same checkpoint together."
            )


def _files(folder: Path) -> list[Path]:
    index = folder / _INDEX
    if index.is_file():
        names = sorted(set(read_as(index, _Index, WeightsError, "Get it again.")["weight_map"].values()))
        # Names from a file are data: read nothing outside the folder.
        files = [folder / Path(name).name for name in names]
    else:
        files = [folder / _SINGLE]
    missing = [path.name for path in files if not path.is_file()]
    if missing or not files:
        raise WeightsError(_no_weights(folder, missing))
    return files


def _no_weights(folder: Path, missing: list[str]) -> str:
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
        return f"{folder} holds pickled weights, which are not read. Save them with safe_serialization."
    return f"{folder} lacks {', '.join(missing) or _SINGLE}. Get the whole checkpoint again."


def _header(path: Path) -> dict[str, _Entry]:
    """The header's tensors, after checking it against the file. Format: huggingface/safetensors README."""
    damaged = WeightsError(f"{path} is damaged or cut short. Get it again.")
    with storage_errors("read", path), path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(_HEADER_LENGTH), "little")
        if not 2 <= length <= min(_LARGEST_HEADER, size - _HEADER_LENGTH):
            raise damaged
        raw = file.read(length)
    try:
        header = parse_as(dict[str, Any], raw)
        header.pop("__metadata__", None)
        entries: dict[str, _Entry] = typed(dict[str, _Entry], header)
    except Malformed as error:
        raise damaged from error
    spans = [entry["data_offsets"] for entry in entries.values()]
    if _HEADER_LENGTH + length + max((end for _, end in spans), default=0) != size:
        raise damaged
    if any(begin > end for begin, end in spans):
        raise damaged
    return entries
