"""What is exported comes back the same; what was tampered with is refused whole."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_memory import embedder, frame, jpeg

from core.errors import ArchiveError, RoomwiseError, StorageError
from core.signal import TeacherSignal
from core.text import strip_controls
from memory.recall import embed_cue, search
from memory.store import Memory
from memory.transfer import Imported, export, import_

TEXTS = st.text(min_size=1, max_size=40).map(strip_controls).filter(bool)


def _signal(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 99, (2, 4)).astype(np.int32)
    return TeacherSignal(np.zeros((0, 2), np.int32), None, ids, -ids.astype(np.float16), "v").to_bytes()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "from", embedder()) as opened:
        opened.add("hall", frame(0), "Where is it?", "on the 'red' \"sofa\" 🛋", "expert", "e", _signal(0))
        opened.add("kitchen", frame(0), "Which?", "this", "person", "")
        pair = opened.add("kitchen", frame(1), "How many?", "two", "expert", "e", _signal(1))
        opened.correct(pair.id, "three")
        yield opened


@pytest.fixture
def exported(memory: Memory, tmp_path: Path) -> Path:
    export(memory, tmp_path / "export")
    return tmp_path / "export"


def _state(memory: Memory) -> list[Any]:
    return [(pair, memory.history(pair), memory.frame_path(pair).read_bytes()) for pair in memory.pairs()]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 2), st.booleans()), max_size=5))
def test_what_is_exported_comes_back(words: list[tuple[str, str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Memory.open(folder / "a") as here, Memory.open(folder / "b", embedder()) as there:
            for question, answer, seed, sure in words:
                signal = _signal(seed) if sure else None
                pair = here.add("hall", frame(seed), question, answer, "expert", "e", signal)
                if not sure:
                    here.correct(pair.id, f"not {answer}")
            assert export(here, folder / "x") == len(words)
            assert import_(there, folder / "x") == Imported(len(words), 0)
            assert _state(there) == _state(here) and there.blobs.names() == here.blobs.names()
            for pair in there.pairs():
                if not pair.question.strip("? "):  # no words, no vector
                    continue
                assert search(there, embed_cue(embedder(), question=pair.question))[
                    0
                ].question == pytest.approx(1)


def test_importing_twice_changes_nothing(memory: Memory, exported: Path) -> None:
    before = _state(memory)
    assert import_(memory, exported) == Imported(0, 3)
    assert _state(memory) == before


def test_one_room_can_be_exported(memory: Memory, tmp_path: Path) -> None:
    assert export(memory, tmp_path / "hall", "hall") == 1
    assert len(list((tmp_path / "hall" / "blobs").iterdir())) == 2


def test_an_export_never_replaces_a_folder(memory: Memory, exported: Path) -> None:
    with pytest.raises(StorageError, match="choose another name"):
        export(memory, exported)


def test_another_pair_under_a_known_id_is_refused(memory: Memory, exported: Path) -> None:
    pair = memory.pairs()[0]
    memory.correct(pair.id, "elsewhere")
    with pytest.raises(ArchiveError, match=f"roomwise memory delete {pair.id[:8]}"):
        import_(memory, exported)
    memory.delete(pair.id)
    assert import_(memory, exported) == Imported(1, 2)


def _rewrite(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the lines and make everything else fit, as someone with bad intentions would."""
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    change(lines)
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    (folder / "pairs.jsonl").write_bytes(text)
    about = json.loads((folder / "memory.json").read_text())
    about |= {"pairs": len(lines), "sha256": hashlib.sha256(text).hexdigest()}
    (folder / "memory.json").write_text(json.dumps(about))


def _with_frame(folder: Path, data: bytes) -> None:
    name = hashlib.sha256(data).hexdigest()
    (folder / "blobs" / f"{name}.jpg").write_bytes(data)
    _rewrite(folder, lambda lines: lines[0].update(frame=name))


def _linked(folder: Path) -> None:
    (folder / "pairs.jsonl").rename(folder / "other")
    (folder / "pairs.jsonl").symlink_to(folder / "other")


def _set(**values: Any) -> Callable[[Path], None]:
    return lambda folder: _rewrite(folder, lambda lines: lines[1].update(values))


HOSTILE: dict[str, Callable[[Path], object]] = {
    "path in a name": _set(frame="../../../../etc/passwd"),
    "path in a room": _set(room="../hall"),
    "escape codes": _set(answer="\x1b[2Jgone"),
    "line break": _set(question="a\nb"),
    "no answer": _set(answer=""),
    "a novel": _set(answer="x" * 5000),
    "wrong source": _set(source="student"),
    "wrong time": _set(created="yesterday"),
    "number for a text": _set(question=7),
    "unknown field": _set(command="rm"),
    "short id": _set(id="7"),
    "no such frame": _set(frame="0" * 64),
    "no such signal": _set(signal="0" * 64),
    "history of another kind": _set(history=[{"answer": "x"}]),
    "id twice": lambda folder: _rewrite(folder, lambda lines: lines.append(lines[0])),
    "no JSON": lambda folder: (folder / "pairs.jsonl").write_bytes(b"{" * 100_000),
    "no lines": lambda folder: (folder / "pairs.jsonl").write_bytes(b""),
    "no manifest": lambda folder: (folder / "memory.json").unlink(),
    "newer": lambda folder: (folder / "memory.json").write_text(
        (folder / "memory.json").read_text().replace('"schema": 1', '"schema": 2')
    ),
    "foreign": lambda folder: (folder / "memory.json").write_text('{"format": "x"}'),
    "frame that is none": lambda folder: _with_frame(folder, b"GIF89a"),
    "frame of a billion pixels": lambda folder: _with_frame(folder, _huge()),
    "frame cut short": lambda folder: _with_frame(folder, jpeg(5, (600, 600))[:-400]),
    "links": _linked,
    "signal that is none": lambda folder: _with_signal(folder, b"\x80\x04pickle"),
}


def _with_signal(folder: Path, data: bytes) -> None:
    name = hashlib.sha256(data).hexdigest()
    (folder / "blobs" / f"{name}.safetensors").write_bytes(data)
    _rewrite(folder, lambda lines: lines[0].update(signal=name))


def _huge() -> bytes:
    """A small JPEG whose header claims 65,000 x 65,000 pixels."""
    data = jpeg()
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + (65_000).to_bytes(2, "big") * 2 + data[place + 4 :]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_export_is_refused_whole(exported: Path, tmp_path: Path, name: str) -> None:
    HOSTILE[name](exported)
    with Memory.open(tmp_path / "to") as memory:
        with pytest.raises((ArchiveError, StorageError), match=r"\.$|FOLDER$"):
            import_(memory, exported)
        assert not memory.pairs() and not memory.blobs.names()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang_it(exported: Path, memory: Memory) -> None:
    (exported / "pairs.jsonl").unlink()
    os.mkfifo(exported / "pairs.jsonl")
    with pytest.raises(ArchiveError, match="no plain file"):
        import_(memory, exported)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_changed_byte_is_refused_or_harmless(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Memory.open(folder / "a") as here, Memory.open(folder / "b") as there:
            here.add("hall", frame(0), "Where is it?", "here", "expert", "e", _signal(0))
            export(here, folder / "x")
            files = sorted(path for path in (folder / "x").rglob("*") if path.is_file())
            path = data.draw(st.sampled_from(files))
            content = bytearray(path.read_bytes())
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
            path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
            try:
                import_(there, folder / "x")
            except RoomwiseError:
                assert not there.pairs() and not there.blobs.names()
            else:
                assert _state(there) == _state(here)


def test_an_import_that_cannot_be_kept_leaves_nothing(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Memory.open(tmp_path / "to") as memory:
        monkeypatch.setattr("memory.records.add_former", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            import_(memory, exported)
        assert not memory.pairs() and not memory.blobs.names()
