"""Export and import memories as plain files.

    memory.json     the format's version, how many pairs, the SHA-256 of pairs.jsonl
    pairs.jsonl     a pair a line, with its former answers
    blobs/          frames (JPEG) and teacher signals (safetensors), named by SHA-256

An export may come from anyone: it is checked before anything is imported, and refused if any of it is wrong.
"""

import datetime
import hashlib
import json
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from core.errors import ArchiveError, InputError, StorageError
from core.files import atomic_directory, atomic_write_bytes, storage_errors
from core.frames import decode
from core.signal import TeacherSignal
from core.text import check_answer, check_question, check_room, strip_controls
from core.types import Asker, Pair
from core.untrusted import Malformed, parse_as
from memory.blobs import FRAME, SIGNAL
from memory.records import Former
from memory.store import LONGEST_NAME, Memory

_ABOUT, _PAIRS, _BLOBS = "memory.json", "pairs.jsonl", "blobs"
_FORMAT, _SCHEMA = "roomwise-memory", 1
_MOST_BYTES = 64 << 20  # of one frame or signal
_MOST_TEXT = 1 << 30  # of all pairs
Sha = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
Source = Literal["expert", "person"]
Entry = tuple[Pair, list[Former]]


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True)


class _About(_Strict):
    format: str
    schema_: int = pydantic.Field(alias="schema")
    pairs: int
    sha256: Sha


class _Former(_Strict):
    answer: str
    source: Source
    replaced: str


class _Line(_Strict):
    id: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{32}$")]
    room: str
    question: str
    answer: str
    frame: Sha
    source: Source
    expert: Annotated[str, pydantic.Field(max_length=LONGEST_NAME)]
    created: str
    signal: Sha | None = None
    asker: Asker = "person"
    history: Annotated[list[_Former], pydantic.Field(max_length=1000)] = []


@dataclass(frozen=True)
class Imported:
    """How many imported pairs are new, and how many existed already."""

    new: int
    known: int


def export(memory: Memory, folder: Path, room: str | None = None) -> int:
    """Write the pairs of a room, or all, to a new folder; returns how many. Raises StorageError."""
    pairs = memory.pairs(room)
    with atomic_directory(folder) as aside:
        for pair in pairs:
            for name in _files(pair):
                path = aside / _BLOBS / name
                atomic_write_bytes(path, memory.blobs.get(path.stem, path.suffix))
        histories = ({"history": [asdict(former) for former in memory.history(pair)]} for pair in pairs)
        lines = (asdict(pair) | history for pair, history in zip(pairs, histories, strict=True))
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        about = {"format": _FORMAT, "schema": _SCHEMA, "pairs": len(pairs)}
        about["sha256"] = hashlib.sha256(text).hexdigest()
        atomic_write_bytes(aside / _PAIRS, text)
        atomic_write_bytes(aside / _ABOUT, json.dumps(about, indent=1).encode())
    return len(pairs)


def import_(memory: Memory, folder: Path) -> Imported:
    """Add the pairs of an export, all or none; those that are here already stay as they are.

    Raises ArchiveError when the export is broken, foreign, newer, or has another pair under an id that is
    known here; StorageError when it cannot be read or kept.
    """
    entries = read_export(folder)
    here = {pair.id: pair for pair in memory.pairs()}
    new = [entry for entry in entries if entry[0].id not in here]
    for pair, _ in entries:
        if here.get(pair.id, pair) != pair:
            raise ArchiveError(
                f"{folder} has another pair under the id {pair.id[:8]} than this memory. "
                f"Delete the one here first: roomwise memory delete {pair.id[:8]}"
            )
    try:
        for name in sorted({name for pair, _ in new for name in _files(pair)}):
            data, path = _bytes(folder, f"{_BLOBS}/{name}", _MOST_BYTES), folder / _BLOBS / name
            _check_file(name, data, path)  # again: it may have been changed since
            memory.blobs.put(data, path.suffix)
        memory.insert_all(new)
    except BaseException:
        memory.drop_strays()
        raise
    return Imported(len(new), len(entries) - len(new))


def read_export(folder: Path) -> list[Entry]:
    """The pairs of an export with their former answers, everything checked, files included.

    Raises ArchiveError, which names the line or file, and StorageError.
    """
    about = _parse(_About, _bytes(folder, _ABOUT, _MOST_TEXT), f"{folder / _ABOUT}")
    if about.format != _FORMAT:
        raise ArchiveError(f"{folder} is no export of a memory. Make one: roomwise memory export FOLDER")
    if about.schema_ > _SCHEMA:
        raise ArchiveError(f"{folder} was exported by a newer roomwise. Update roomwise.")
    text = _bytes(folder, _PAIRS, _MOST_TEXT)
    entries = [_entry(line, f"{folder / _PAIRS}, line {n}") for n, line in enumerate(text.splitlines(), 1)]
    if hashlib.sha256(text).hexdigest() != about.sha256 or len(entries) != about.pairs:
        raise ArchiveError(f"{folder / _PAIRS} is damaged or was changed. Export it again.")
    if len({pair.id for pair, _ in entries}) != len(entries):
        raise ArchiveError(f"{folder / _PAIRS} has an id twice. Export it again.")
    for name in sorted({name for pair, _ in entries for name in _files(pair)}):
        _check_file(name, _bytes(folder, f"{_BLOBS}/{name}", _MOST_BYTES), folder / _BLOBS / name)
    return entries


def _files(pair: Pair) -> Iterator[str]:
    yield f"{pair.frame}{FRAME}"
    if pair.signal is not None:
        yield f"{pair.signal}{SIGNAL}"


def _bytes(folder: Path, name: str, most: int) -> bytes:
    """The bytes of a plain file inside the export: no links, which might lead anywhere, and no devices."""
    path = folder
    for part in name.split("/"):
        path /= part
        with storage_errors("read", path):
            status = path.lstat()
        if not (stat.S_ISREG(status.st_mode) or (part == _BLOBS and stat.S_ISDIR(status.st_mode))):
            raise ArchiveError(f"{path} is no plain file. Export it again.")
    if status.st_size > most:
        raise ArchiveError(f"{path} has {status.st_size:,} bytes, too many. Export it again.")
    with storage_errors("read", path):
        return path.read_bytes()


def _parse(model: type[Any], data: bytes, where: str) -> Any:
    try:
        return parse_as(model, data)
    except Malformed as error:
        raise ArchiveError(f"{where}: {error}. Export it again.") from error


def _entry(data: bytes, where: str) -> Entry:
    line = _parse(_Line, data, where)
    values = line.model_dump(exclude={"history"})
    formers = [Former(**former.model_dump()) for former in line.history]
    try:
        _check_words(line, formers)
    except (InputError, ValueError) as error:
        raise ArchiveError(f"{where}: {error} Export it again.") from error
    return Pair(**values), formers


def _check_words(line: _Line, formers: Sequence[Former]) -> None:
    """Texts are as this program would have kept them: clean, not empty, not too long; times are times."""
    check_room(line.room)
    cleaned = [(line.question, check_question(line.question)), (line.answer, check_answer(line.answer))]
    cleaned += [(former.answer, check_answer(former.answer)) for former in formers]
    cleaned += [(line.expert, strip_controls(line.expert))]
    if any(text != clean for text, clean in cleaned):
        raise ValueError("A text holds control characters.")
    for time in (line.created, *(former.replaced for former in formers)):
        datetime.datetime.fromisoformat(time)


def _check_file(name: str, data: bytes, path: Path) -> None:
    if hashlib.sha256(data).hexdigest() != name.split(".")[0]:
        raise ArchiveError(f"{path} is damaged or was changed. Export it again.")
    try:
        if name.endswith(FRAME):
            decode(data, str(path))
        else:
            TeacherSignal.from_bytes(data)
    except (InputError, StorageError) as error:
        raise ArchiveError(f"{path} cannot be used. {error}") from error
