"""Pairs are remembered whole or not at all, corrected, and forgotten with everything of theirs."""

import errno
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tiny_memory import WordsAndColours, embedder, frame, jpeg
from tiny_processes import killed_before

from core.errors import AnswerError, QuestionError, RoomNameError, StorageError, UnknownPairError
from core.types import Pair
from memory.index import FILE
from memory.recall import embed_cue, search
from memory.schema import DATABASE
from memory.store import Memory


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory", embedder()) as opened:
        yield opened


def add(memory: Memory, question: str = "What colour is the sofa?", **changes: Any) -> Pair:
    values: dict[str, Any] = {"room": "kitchen", "frame": frame(), "answer": "red", "source": "expert"}
    return memory.add(**(values | {"question": question, "expert": "builtin-expert"} | changes))


def files(memory: Memory) -> set[str]:
    return memory.blobs.names()


def test_what_is_remembered_is_there_after_reopening(tmp_path: Path) -> None:
    with Memory.open(tmp_path, embedder()) as memory:
        first = add(memory, " What  colour\nis it? ", signal=b"signal")
        second = add(memory, room="hall", source="person", expert="a\x1b\n" * 2000)
        assert second.expert == ("a " * 500).rstrip()
        assert first.question == "What colour is it?" and len(first.id) == 32
        assert first.created.endswith("+00:00")
    with Memory.open(tmp_path) as memory:
        assert memory.pairs() == [first, second] and memory.pairs("hall") == [second]
        assert memory.get(first.id[:12].upper()) == first
        assert memory.rooms() == {"hall": 1, "kitchen": 1}
        assert memory.frame_path(first).read_bytes() == jpeg()
        signal = memory.signal_path(first)
        assert signal and signal.read_bytes() == b"signal" and memory.signal_path(second) is None


def test_nobody_else_reads_what_is_remembered_not_even_while_it_is_written(memory: Memory) -> None:
    add(memory, signal=b"signal")
    modes = {path.name: path.stat().st_mode & 0o777 for path in memory.folder.rglob("*") if path.is_file()}
    assert {"memory.sqlite3", "memory.sqlite3-wal", "memory.sqlite3-shm"} < set(modes)
    assert set(modes.values()) == {0o600}


def test_frames_and_signals_are_kept_once(memory: Memory) -> None:
    for _ in range(3):
        add(memory, signal=b"signal")
    assert len(files(memory)) == 2


def test_adding_again_under_the_same_id_changes_nothing(memory: Memory) -> None:
    pair = add(memory, id="0" * 32)
    assert add(memory, "Another?", id="0" * 32) == pair
    assert memory.pairs() == [pair]
    for wrong in ("7", "X" * 32):
        with pytest.raises(ValueError, match="not an id"):
            add(memory, id=wrong)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"question": " \x00"}, QuestionError),
        ({"answer": ""}, AnswerError),
        ({"room": "../x"}, RoomNameError),
    ],
)
def test_what_cannot_be_used_leaves_nothing(memory: Memory, changes: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"\.$"):
        add(memory, **changes)
    assert not memory.pairs() and not files(memory)


def test_a_correction_keeps_what_was_said_before(memory: Memory) -> None:
    pair = add(memory, signal=b"signal")
    corrected = memory.correct(pair.id[:8], " dark  red ")
    assert (corrected.answer, corrected.source, corrected.signal) == ("dark red", "person", None)
    assert memory.pairs() == [corrected]
    (former,) = memory.history(pair)
    assert (former.answer, former.source) == ("red", "expert")
    assert files(memory) == {f"{pair.frame}.jpg"}, "the signal taught the old answer"


def test_what_is_deleted_is_gone_at_once(memory: Memory) -> None:
    kept, gone = add(memory, signal=b"shared"), add(memory, signal=b"shared")
    alone = add(memory, "Where is the unspeakable?", frame=frame(1), signal=b"own")
    memory.correct(alone.id, "nowhere")
    memory.delete(gone.id)
    assert len(files(memory)) == 3, "another pair needs frame and signal"
    memory.delete(alone.id)
    assert memory.pairs() == [kept] and files(memory) == {f"{kept.frame}.jpg", f"{kept.signal}.safetensors"}
    found = search(memory, embed_cue(embedder(), question=alone.question))
    assert [hit.pair for hit in found] == [kept]
    for path in memory.folder.rglob("*"):
        assert path.is_dir() or b"unspeakable" not in path.read_bytes(), path


def test_pairs_are_deleted_together_or_not_at_all(tmp_path: Path) -> None:
    for step in range(20):
        with Memory.open(tmp_path / str(step), embedder()) as memory:
            ids = [memory.add("den", frame(n), "What?", "it", "expert", "e").id for n in range(2)]
        killed = killed_before(step, partial(_delete, tmp_path / str(step), ids))
        with Memory.open(tmp_path / str(step), embedder()) as memory:
            assert len(memory.pairs()) == len(memory.blobs.names()) in (0, 2)
            with pytest.raises(UnknownPairError):
                memory.delete(*ids, "f" * 32)
            assert len(memory.pairs()) in (0, 2)
        if not killed:
            break
    assert step > 1


def _delete(folder: Path, ids: list[str]) -> None:
    with Memory.open(folder, embedder()) as memory:
        memory.delete(*ids)


def test_deleting_without_an_embedder_takes_the_vectors_too(tmp_path: Path) -> None:
    with Memory.open(tmp_path, embedder()) as memory:
        pairs = [add(memory, f"Where is thing {number}?") for number in range(3)]
    size = (tmp_path / FILE).stat().st_size
    with Memory.open(tmp_path) as memory:
        memory.delete(pairs[1].id)
    assert (tmp_path / FILE).stat().st_size < size
    with Memory.open(tmp_path, embedder(), on_notice=pytest.fail) as memory:
        found = search(memory, embed_cue(embedder(), question=pairs[1].question))
        assert {hit.pair.id for hit in found} == {pairs[0].id, pairs[2].id}


def test_an_unknown_or_ambiguous_id_says_so(memory: Memory) -> None:
    for digit in "12":
        add(memory, id="ab" + digit * 30)
    for wrong in ("", "xyz", "f" * 32, "ab*", "ab", "%"):
        with pytest.raises(UnknownPairError, match=r"roomwise memory list|Give more"):
            memory.delete(wrong)
    assert len(memory.pairs()) == 2


def test_a_second_writer_is_told_who_is_there_but_readers_may_come(memory: Memory) -> None:
    pair = add(memory)
    with pytest.raises(StorageError, match=f"in use by process {os.getpid()}"):
        Memory.open(memory.folder)
    with Memory.open(memory.folder, embedder(), read_only=True) as reader:
        assert reader.pairs() == [pair]
        assert search(reader, embed_cue(embedder(), question=pair.question))[0].pair == pair
        with pytest.raises(StorageError):
            add(reader)
    assert memory.pairs() == [pair]


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "none", read_only=True) as memory:
        assert not memory.pairs()
    assert not list(tmp_path.iterdir())


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_loses_nothing_and_leaves_nothing(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = add(memory)
    (pages,) = memory._database.execute("PRAGMA page_count").fetchone()
    memory._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match=r"memory\.sqlite3: the disk is full\. Free some space"):
        for _ in range(100):
            add(memory, "x" * 900, frame=frame(1), id="0" * 32)
            memory.delete("0" * 32)
            add(memory, "x" * 900, frame=frame(2))
    memory._database.execute("PRAGMA max_page_count = 100000")
    assert pair in memory.pairs()
    assert {f"{pair.frame}.jpg" for pair in memory.pairs()} == files(memory)
    count = len(memory.pairs())
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(StorageError, match="disk is full"):
        add(memory, frame=frame(3))
    assert len(memory.pairs()) == count


def test_an_index_that_cannot_be_kept_is_told_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with Memory.open(tmp_path, embedder(), on_notice=told.append) as memory:
        pair, kept = add(memory), add(memory)
        memory._save()
        monkeypatch.setattr(os, "fsync", _full)
        memory.delete(pair.id)
        assert "will be made again" in told[0] and not (tmp_path / FILE).exists()
    monkeypatch.undo()
    with Memory.open(tmp_path, embedder(), on_notice=told.append) as memory:
        assert [hit.pair for hit in search(memory, embed_cue(embedder(), question="x"))] == [kept]
    assert "made again from 1 pairs: it is missing" in told[-1]


def test_strays_of_a_crash_are_swept(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        pair = add(memory)
        memory.blobs.put(b"stray", ".jpg")
        (tmp_path / "blobs" / ".x.part").touch()
    with Memory.open(tmp_path) as memory:
        assert [path.name for path in memory.blobs.folder.iterdir()] == [f"{pair.frame}.jpg"]


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from tiny_memory import embedder, frame
from memory.store import Memory
memory = Memory.open(Path(sys.argv[1]), embedder())
for number in range(10_000):
    pair = memory.add("kitchen", frame(number), f"Question {number}?", "yes", "expert", "e", b"%d" % number)
    print(pair.id, flush=True)
    if number % 5 == 4:
        print("?" + pair.id, flush=True)
        print("-" + memory.delete(pair.id)[0].id, flush=True)
"""


@pytest.mark.parametrize("seconds", [0.02, 0.2])
def test_killed_while_adding_no_pair_that_was_told_is_lost(tmp_path: Path, seconds: float) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    lines = [child.stdout.readline().strip()]
    time.sleep(seconds)
    child.kill()
    lines += child.communicate()[0].split()
    told = {mark: {line.lstrip("?-") for line in lines if line[0] == mark} for mark in "?-"}
    added = {line for line in lines if line[0] not in "?-"}
    with Memory.open(tmp_path, embedder()) as memory:
        there = memory.pairs()
        ids = {pair.id for pair in there}
        assert added - told["?"] <= ids and not told["-"] & ids
        assert len(ids - added) <= 1, "one may be there that was not told yet"
        for pair in there:
            memory.blobs.get(pair.frame, ".jpg")
        assert len(files(memory)) == 2 * len(there)
        last = search(memory, embed_cue(embedder(), question=there[-1].question))
        assert last[0].pair == there[-1]


def test_a_damaged_database_is_never_emptied(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        for number in range(30):
            add(memory, f"Question {number} {'x' * 500}?")
    path = tmp_path / DATABASE
    whole = path.read_bytes()
    for damage in (b"garbage" * 1000, whole[:5000], whole[:4096] + os.urandom(4096) + whole[8192:]):
        path.write_bytes(damage)
        for read_only in (True, False):
            with pytest.raises(StorageError, match=r"memory\.sqlite3: it is damaged.*roomwise memory import"):
                Memory.open(tmp_path, read_only=read_only)
        assert path.read_bytes() == damage and len(list((tmp_path / "blobs").iterdir())) == 1
    path.unlink()
    with pytest.raises(StorageError, match=r"is gone, though frames.*roomwise memory import"):
        Memory.open(tmp_path)
    path.write_bytes(whole)
    with Memory.open(tmp_path) as memory:
        assert len(memory.pairs()) == 30


def test_foreign_and_newer_databases_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    with pytest.raises(StorageError, match=r"memory\.sqlite3 is another program's database"):
        Memory.open(tmp_path)
    path.unlink()
    Memory.open(tmp_path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    for read_only in (True, False):
        with pytest.raises(StorageError, match=r"newer roomwise \(version 99.*Update roomwise"):
            Memory.open(tmp_path, read_only=read_only)


def test_an_empty_file_is_a_database_not_begun(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    with Memory.open(tmp_path, read_only=True) as memory:
        assert not memory.pairs()


def test_vectors_are_made_only_where_they_are_missing(tmp_path: Path) -> None:
    with Memory.open(tmp_path, embedder()) as memory:
        pairs = [add(memory, f"Question {number}?") for number in range(5)]
    counting = WordsAndColours()
    with Memory.open(tmp_path) as memory:
        pairs.append(add(memory))
    with Memory.open(tmp_path, counting, on_notice=pytest.fail) as memory:
        assert counting.texts_seen == 1
        assert len(search(memory, embed_cue(counting, question="x"), k=9)) == 6
    told: list[str] = []
    with Memory.open(tmp_path, WordsAndColours("other"), on_notice=told.append):
        assert told == ["The index of memory is made again from 6 pairs: another model made it."]


@pytest.mark.parametrize("damage", ["gone", "cut", "bytes", "foreign"])
def test_a_broken_index_is_made_again_aloud(tmp_path: Path, damage: str) -> None:
    with Memory.open(tmp_path, embedder()) as memory:
        pair = add(memory)
    path = tmp_path / FILE
    told: list[str] = []
    data = path.read_bytes()
    changed = {"cut": data[:-7], "bytes": data[:-1] + bytes([data[-1] ^ 1]), "foreign": b"[]" * 50}
    path.unlink() if damage == "gone" else path.write_bytes(changed[damage])
    with Memory.open(tmp_path, embedder(), on_notice=told.append) as memory:
        assert search(memory, embed_cue(embedder(), question=pair.question))[0].pair == pair
    assert len(told) == 1 and told[0].startswith("The index of memory is made again from 1 pairs: it is ")
    Memory.open(tmp_path, embedder(), on_notice=pytest.fail).close()


def test_a_lost_frame_costs_only_the_search_by_view(tmp_path: Path) -> None:
    with Memory.open(tmp_path, embedder()) as memory:
        pair = add(memory)
        memory.frame_path(pair).unlink()
    (tmp_path / FILE).unlink()
    told: list[str] = []
    with Memory.open(tmp_path, embedder(), on_notice=told.append) as memory:
        (hit,) = search(memory, embed_cue(embedder(), question=pair.question))
        assert hit.question == pytest.approx(1)
    assert f"Pair {pair.id[:8]} can be found by its question only" in told[1]
