"""The pairs of all rooms, in a SQLite database with frames and signals beside it.

    memory.sqlite3        pairs and their former answers
    blobs/                frames (JPEG), depth frames (PNG) and teacher signals (safetensors), by hash
    vectors.safetensors   embeddings for recall; made again when missing

One process writes at a time while others may read. In a process, one thread at a time.
"""

import datetime
import os
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL.Image import Image

from core.errors import StorageError, UnknownPairError
from core.files import sweep
from core.lock import FolderLock, lock_folder
from core.ports import Embedder, Rows
from core.text import check_answer, check_question, check_room, strip_controls
from core.types import Asker, Frame, Pair
from memory import records
from memory.blobs import FRAME, SIGNAL, Blobs
from memory.gallery import Gallery
from memory.index import Cue, Index, Vectors
from memory.records import Former
from memory.schema import DATABASE, database_errors, needs_migration, open_database, transaction
from memory.upkeep import Notice, prune_index, save_index, update_index

LONGEST_NAME = 1000  # of an expert
_ID = re.compile(r"[0-9a-f]{32}")
_SAVE_EVERY = 16  # pairs; what a crash leaves unsaved is made again


class Memory:
    """Made by `Memory.open`; a context manager. Every method raises StorageError when the disk fails."""

    def __init__(
        self,
        folder: Path,
        database: sqlite3.Connection,
        lock: FolderLock | None,
        embedder: Embedder | None,
        notice: Notice,
    ) -> None:
        self.folder, self.embedder = folder, embedder
        self.blobs = Blobs(folder / "blobs")
        self.gallery = Gallery(database, self.blobs, self._errors, now)
        self._database, self._lock, self._notice = database, lock, notice
        self._index = Index()
        self._unsaved = 0

    @classmethod
    def open(
        cls,
        folder: Path,
        embedder: Embedder | None = None,
        *,
        read_only: bool = False,
        on_notice: Notice = lambda sentence: None,
    ) -> "Memory":
        """Open or create the memory in `folder`, locked for this process unless `read_only`.

        Searching needs an embedder. `on_notice` gets a sentence when the index had to be made again or could
        not be written. Raises StorageError: locked by another process (which is named), damaged, newer,
        foreign, or its database gone while frames are there.
        """
        path = folder / DATABASE
        if read_only and os.access(folder, os.W_OK) and needs_migration(path):
            cls.open(folder).close()
        with ExitStack() as undo:
            lock = None if read_only else lock_folder(folder)
            if lock is not None:
                undo.callback(lock.release)
            _refuse_orphans(folder)
            database = open_database(path, writing=not read_only)
            undo.callback(database.close)
            memory = cls(folder, database, lock, embedder, on_notice)
            memory._synchronise()
            undo.pop_all()
        return memory

    def close(self) -> None:
        """Save the index and unlock the folder. May be called again."""
        try:
            if self._unsaved:
                self._save()
        finally:
            self._database.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> "Memory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        room: str,
        frame: Frame,
        question: str,
        answer: str,
        source: Literal["expert", "person"],
        expert: str,
        signal: bytes | None = None,
        *,
        id: str | None = None,
        cue: Cue | None = None,
        asker: Asker = "person",
    ) -> Pair:
        """Remember an answer about a frame; on return it is on the disk.

        With an `id` (32 hexadecimal digits) this is repeatable: an existing pair of that id is returned.
        `cue` saves embedding question and frame again. Raises QuestionError, AnswerError, RoomNameError,
        StorageError.
        """
        if id is not None and (existing := self._by_id(id)):
            return existing
        texts = (check_room(room), check_question(question), check_answer(answer))
        vectors = self._vectors(texts[1], frame.picture, cue or Cue())
        with self._errors():
            name = self.blobs.put(frame.jpeg, FRAME)
            signal_name = None if signal is None else self.blobs.put(signal, SIGNAL)
            model = strip_controls(expert)[:LONGEST_NAME].rstrip()
            pair = Pair(id or uuid.uuid4().hex, *texts, name, source, model, now(), signal_name, asker)
            (number,) = self._insert([pair])
        if vectors is not None and self.embedder is not None:
            row = (np.array([number], np.int64), vectors[0][None], vectors[1][None])
            self._index.add(Vectors(self.embedder.name, *row))
            self._count_unsaved()
        return pair

    def correct(self, id: str, answer: str) -> Pair:
        """Replace a pair's answer by a person's; the old one goes to its history, its signal is deleted.

        `id` may be the beginning of one. Raises UnknownPairError, AnswerError.
        """
        words = check_answer(answer)
        with self._errors():
            _, pair = records.find(self._database, id)
            with transaction(self._database):
                records.replace_answer(self._database, pair, words, now())
            self._drop_unused(pair)
        return replace(pair, answer=words, source="person", signal=None)

    def delete(self, *ids: str) -> list[Pair]:
        """Forget pairs, all or none, with their history and vectors, and the files that no other needs.

        An id may be the beginning of one. Returns the pairs. Raises UnknownPairError.
        """
        with self._errors():
            pairs = dict(records.find(self._database, id) for id in ids)
            with transaction(self._database):
                for pair in pairs.values():
                    records.delete(self._database, pair)
                    if not records.is_used(self._database, "frame", pair.frame):
                        self.gallery.forget_frame(pair.frame)
            for number, pair in pairs.items():
                self._index.remove(number)
                self._drop_unused(pair)
            self._purge()
        return list(pairs.values())

    def pairs(self, room: str | None = None) -> list[Pair]:
        """The pairs of a room, or of all rooms, in the order they came."""
        return list(self.numbered(room).values())

    def numbered(self, room: str | None = None) -> dict[int, Pair]:
        """The pairs by number; numbers grow and are never reused."""
        with self._errors():
            return records.numbered(self._database, room)

    def get(self, id: str) -> Pair:
        """The one pair whose id begins so. Raises UnknownPairError."""
        with self._errors():
            return records.find(self._database, id)[1]

    def history(self, pair: Pair) -> list[Former]:
        """The pair's former answers, oldest first."""
        with self._errors():
            return records.history(self._database, pair)

    def rooms(self) -> dict[str, int]:
        """How many pairs each room has."""
        with self._errors():
            return records.rooms(self._database)

    def move(self, room: str, to: str) -> int:
        """Move pairs and views of a room to another, perhaps new, one; returns the number of pairs.

        Raises RoomNameError.
        """
        name = check_room(to)
        with self._errors(), transaction(self._database):
            count = records.move(self._database, room, name)
            self.gallery.move(room, name)
        return count

    def forget(self, room: str) -> int:
        """Forget a room with its pairs, views and files; returns the number of pairs."""
        pairs = self.numbered(room)
        with self._errors():
            with transaction(self._database):
                self.gallery.forget(room)
                for pair in pairs.values():
                    records.delete(self._database, pair)
            for number in pairs:
                self._index.remove(number)
            self.drop_strays()
            self._purge()
        return len(pairs)

    def frame_path(self, pair: Pair) -> Path:
        """The pair's frame, a JPEG file."""
        return self.blobs.path(pair.frame, FRAME)

    def signal_path(self, pair: Pair) -> Path | None:
        """The pair's teacher signal, a safetensors file, if it has one."""
        return None if pair.signal is None else self.blobs.path(pair.signal, SIGNAL)

    @property
    def vectors(self) -> Vectors | None:
        """The vectors of pairs, in no particular order; None without any."""
        return self._index.vectors

    def scores(self, cue: Cue, room: str | None = None) -> Iterator[tuple[Pair, float | None, float | None]]:
        """Similarities in [-1, 1] of each pair's question and frame to the cue's; None where it has none."""
        pairs = self.numbered(room)
        for number, (text, view) in self._index.scores(cue, list(pairs)).items():
            yield pairs[number], text, view

    def insert_all(self, pairs: Sequence[tuple[Pair, Sequence[Former]]]) -> None:
        """Store pairs whose files are in `blobs`, with their histories: all or none."""
        with self._errors():
            self._insert([pair for pair, _ in pairs], dict(pairs))
        self._synchronise()

    def drop_strays(self) -> None:
        """Delete files that no pair refers to, left by a crash or a refused import."""
        pairs = self.numbered().values()
        frames = {f"{pair.frame}{FRAME}" for pair in pairs}
        signals = {f"{pair.signal}{SIGNAL}" for pair in pairs if pair.signal}
        self.blobs.keep_only(frames | signals | set(self.gallery.files()))

    def _insert(
        self, pairs: Sequence[Pair], formers: Mapping[Pair, Sequence[Former]] | None = None
    ) -> list[int]:
        try:
            with transaction(self._database):
                numbers = [records.insert(self._database, pair) for pair in pairs]
                for pair, answers in (formers or {}).items():
                    for former in answers:
                        records.add_former(self._database, pair, former)
        except BaseException:
            for pair in pairs:
                self._drop_unused(pair)
            raise
        return numbers

    def _by_id(self, id: str) -> Pair | None:
        if not _ID.fullmatch(id):
            raise ValueError(f"{id!r} is not an id")
        try:
            return self.get(id)
        except UnknownPairError:
            return None

    def _vectors(self, question: str, picture: Image, cue: Cue) -> tuple[Rows, Rows] | None:
        if self.embedder is None:
            return None
        text = self.embedder.text([question])[0] if cue.text is None else cue.text
        view = self.embedder.image([picture])[0] if cue.view is None else cue.view
        return text, view

    def _synchronise(self) -> None:
        if self._lock is not None:
            sweep(self.folder)
            self.drop_strays()
        if self.embedder is not None:
            pairs = self.numbered()
            self._index, changed = update_index(self.folder, pairs, self.blobs, self.embedder, self._notice)
            if changed and self._lock is not None:
                self._save()

    def _count_unsaved(self) -> None:
        self._unsaved += 1
        if self._unsaved >= _SAVE_EVERY:
            self._save()

    def _save(self) -> None:
        save_index(self.folder, self._index, self.numbered(), self._notice)
        self._unsaved = 0

    def _purge(self) -> None:
        """Remove the vectors of deleted pairs, and their words from the journal."""
        if self.embedder is None:
            prune_index(self.folder, self.numbered(), self._notice)
        else:
            self._save()
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _drop_unused(self, pair: Pair) -> None:
        if not (records.is_used(self._database, "frame", pair.frame) or self.gallery.uses(pair.frame)):
            self.blobs.remove(pair.frame, FRAME)
        if pair.signal is not None and not records.is_used(self._database, "signal", pair.signal):
            self.blobs.remove(pair.signal, SIGNAL)

    def _errors(self) -> AbstractContextManager[None]:
        return database_errors(self.folder / DATABASE)


def now() -> str:
    """The time in UTC as ISO 8601, to the millisecond."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def _refuse_orphans(folder: Path) -> None:
    if not (folder / DATABASE).exists() and Blobs(folder / "blobs").names():
        raise StorageError(
            f"{folder / DATABASE} is gone, though frames of its pairs are there. Put it back; or move "
            f"{folder} away and bring back an export: roomwise memory import FOLDER"
        )
