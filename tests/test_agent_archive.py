"""A session exported and imported is the same; what others made of an archive never leaves its folder."""

import hashlib
import io
import json
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_memory import jpeg
from tiny_recordings import write_recording

from agent.recording.record import BLOBS, EVENTS, SESSION, read_recording
from agent.sessions.archive import ArchiveLimits, write_archive
from agent.sessions.archive_import import import_archive
from core.errors import ArchiveError, InputError, RoomwiseError, StorageError

_PIXELS = 1_000_000
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    recording = read_recording(write_recording(folder / "kitchen"))
    write_archive(recording, folder / "kitchen.zip")
    return folder / "kitchen.zip"


def _contents(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_what_is_exported_comes_back(archive: Path, tmp_path: Path) -> None:
    assert import_archive(archive, tmp_path, _PIXELS) == "kitchen"
    assert _contents(tmp_path / "sessions" / "kitchen") == _contents(archive.parent / "kitchen")
    assert read_recording(tmp_path / "sessions" / "kitchen").events


def test_what_was_unpacked_and_packed_again_is_taken(archive: Path, tmp_path: Path) -> None:
    again = _zipped(tmp_path / "again.zip", {f"{BLOBS}/": b""} | _files(archive))
    assert import_archive(again, tmp_path, _PIXELS) == "again"


def test_nothing_is_replaced(archive: Path, tmp_path: Path) -> None:
    import_archive(archive, tmp_path, _PIXELS)
    (tmp_path / "sessions" / "kitchen" / EVENTS).write_text("")
    with pytest.raises(StorageError, match="--name"):
        import_archive(archive, tmp_path, _PIXELS)
    assert not (tmp_path / "sessions" / "kitchen" / EVENTS).read_text()
    assert import_archive(archive, tmp_path, _PIXELS, "another") == "another"
    with pytest.raises(StorageError, match="there already"):
        write_archive(read_recording(tmp_path / "sessions" / "another"), archive)


@pytest.mark.parametrize("name", ["", "..", "a/b", "/a", "A", ".a", "a" * 65, "a\x00", "a\\b"])
def test_a_session_is_called_by_a_plain_name(archive: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="cannot be called"):
        import_archive(archive, tmp_path, _PIXELS, name)
    assert not list(tmp_path.iterdir())


def test_a_cut_off_line_and_foreign_files_are_not_exported(tmp_path: Path) -> None:
    folder = write_recording(tmp_path / "one")
    with (folder / EVENTS).open("ab") as log:
        log.write(b'{"event": "Ask')
    (folder / BLOBS / "notes.txt").write_text("mine")
    (folder / BLOBS / f"{'0' * 64}.jpg").symlink_to("/etc/passwd")
    write_archive(read_recording(folder), tmp_path / "one.zip")
    assert len(zipfile.ZipFile(tmp_path / "one.zip").namelist()) == 4
    import_archive(tmp_path / "one.zip", tmp_path, _PIXELS)


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = read_recording(write_recording(tmp_path / "one"))

    def full(*args: Any) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_archive(recording, tmp_path / "out" / "one.zip")
    assert not list((tmp_path / "out").iterdir())
    monkeypatch.setattr("agent.sessions.archive.ArchiveLimits", lambda: ArchiveLimits(entries=3))
    with pytest.raises(InputError, match="--format mcap"):
        write_archive(recording, tmp_path / "out" / "one.zip")


def _files(archive: Path) -> Files:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _zipped(
    path: Path, files: Files, change: Callable[[zipfile.ZipInfo], object] = lambda info: None
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            made.writestr(info, data)
    return path


def _event(**values: Any) -> bytes:
    return json.dumps({"event": "Remembered", "at": 1.0, "turn": 1, "pair": "p", **values}).encode() + b"\n"


def _blob(data: bytes, suffix: str) -> Files:
    return {f"{BLOBS}/{hashlib.sha256(data).hexdigest()}{suffix}": data}


_NOISE = random.Random(0).randbytes(200_000)
HOSTILE: dict[str, Files] = {
    "parent": {"../evil": b"x"},
    "parent below": {f"{BLOBS}/../../evil": b"x"},
    "absolute": {"/tmp/evil": b"x"},
    "drive": {"C:\\evil": b"x"},
    "backslash": {"..\\evil": b"x"},
    "folder": {"more/": b""},
    "program": {"run.sh": b"x"},
    "other case": {"SESSION.JSON": b"{}"},
    "blob by another name": {f"{BLOBS}/{'g' * 64}.jpg": b"x"},
    "blob of another kind": {f"{BLOBS}/{'0' * 64}.exe": b"x"},
    "blob that is not its own": {f"{BLOBS}/{'0' * 64}.jpg": jpeg()},
    "blob that is no picture": _blob(_NOISE, ".jpg"),
    "sound that is none": _blob(b"RIFFxxxxAVI ", ".wav"),
    "nothing described": {SESSION: b"[]"},
    "no JSON": {SESSION: b"{"},
    "newer": {SESSION: b'{"format": 2}'},
    "another format": {SESSION: b'{"format": "x"}'},
    "deep": {SESSION: b'{"a":' * 100_000},
    "no events": {EVENTS: b"{}\n"},
    "deep events": {EVENTS: b"[" * 100_000 + b"\n"},
    "cut off": {EVENTS: _event()[:-1]},
    "not text": {EVENTS: b"\xff\n"},
    "no time": {EVENTS: _event().replace(b"1.0", b"NaN")},
    "no clock's time": {EVENTS: _event(at=1e12)},
    "endless": {EVENTS: _event().replace(b"1.0", b"1e999")},
    "huge number": {EVENTS: _event(more=10**40)},
    "tables in tables": {EVENTS: _event(more={"a": {"b": {}}})},
    "long line": {EVENTS: _event(more=_NOISE.hex() * 12)},
    "wrong type": {EVENTS: _event(turn="1")},
    "frame that is missing": {EVENTS: _event(event="Asked", question="?", frame="0" * 64, frame_age_ms=0.0)},
    "frame that is a path": {
        EVENTS: _event(event="Asked", question="?", frame="../../evil", frame_age_ms=0.0)
    },
    "bomb": {EVENTS: _event(more="a" * 3_000_000)},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_does_not_belong_is_refused_whole(archive: Path, tmp_path: Path, what: str) -> None:
    bad = _zipped(tmp_path / "bad.zip", _files(archive) | HOSTILE[what])
    with pytest.raises(ArchiveError) as refused:
        import_archive(bad, tmp_path / "state", _PIXELS)
    assert str(refused.value).endswith(("roomwise sessions export", "Update roomwise.", "Give a JPEG file."))
    assert _contents(tmp_path) == {"bad.zip": bad.read_bytes()}
    assert not (tmp_path / "state" / "sessions").exists() or not list(
        (tmp_path / "state" / "sessions").iterdir()
    )


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(archive: Path, tmp_path: Path, kind: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        if info.filename == SESSION:
            info.external_attr = (kind | 0o777) << 16

    bad = _zipped(tmp_path / "bad.zip", _files(archive), change)
    with pytest.raises(ArchiveError, match="no plain file"):
        import_archive(bad, tmp_path / "state", _PIXELS)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (ArchiveLimits(archive=100), "more than 100"),
        (ArchiveLimits(entries=2), "lists too much"),
        (ArchiveLimits(total=1000), "would take more"),
        (ArchiveLimits(about=10), "session.json"),
        (ArchiveLimits(events=10), "events.jsonl"),
        (ArchiveLimits(blob=10), "blobs/"),
        (ArchiveLimits(ratio=1.5), "would grow"),
    ],
)
def test_what_is_too_large_is_refused(
    archive: Path, tmp_path: Path, limits: ArchiveLimits, told: str
) -> None:
    with pytest.raises(ArchiveError, match=told):
        import_archive(archive, tmp_path, _PIXELS, limits=limits)
    assert not _contents(tmp_path)


def test_a_picture_of_too_many_pixels_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="pixels"):
        import_archive(archive, tmp_path, 100)


def test_a_size_that_lies_is_found_out(archive: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    at = data.rfind(SESSION.encode()) - 46  # its entry in the list of contents
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = struct.pack("<L", 5)
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(ArchiveError):
        import_archive(tmp_path / "bad.zip", tmp_path / "state", _PIXELS)


def test_files_that_lie_over_each_other_are_refused(archive: Path, tmp_path: Path) -> None:
    files = _files(archive)
    blob = next(name for name in files if name.startswith(BLOBS))
    path = _zipped(
        tmp_path / "bad.zip", {**files, **{f"{BLOBS}/{n:064x}.jpg": files[blob] for n in range(40)}}
    )
    data = path.read_bytes()
    with zipfile.ZipFile(path) as opened:
        first = opened.getinfo(blob)
        end = opened.getinfo(f"{BLOBS}/{0:064x}.jpg").header_offset
        keep = data[:end]
        listing = b"".join(_listed(info, first.header_offset) for info in opened.infolist())
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 44, 44, len(listing), len(keep), 0)
    path.write_bytes(keep + listing + tail)
    with pytest.raises(ArchiveError, match=r"lie over each other|damaged"):
        import_archive(path, tmp_path / "state", _PIXELS)


def _listed(info: zipfile.ZipInfo, over: int) -> bytes:
    """An entry of a list of contents; blobs point at the first one's bytes."""
    name = info.filename.encode()
    offset = over if info.filename.startswith(BLOBS) else info.header_offset
    head = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, info.CRC, info.compress_size, info.file_size,
        len(name), 0, 0, 0, 0, 0, offset,
    )  # fmt: skip
    return head + name


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 5000, b"PK\x06\x07" * 20])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ArchiveError):
        import_archive(tmp_path / "x.zip", tmp_path / "state", _PIXELS)
    with pytest.raises(ArchiveError, match="no file"):
        import_archive(tmp_path, tmp_path / "state", _PIXELS)
    with pytest.raises(StorageError):
        import_archive(tmp_path / "none.zip", tmp_path / "state", _PIXELS)


def _mutated(data: bytes, dice: random.Random) -> bytes:
    """The archive with some bytes changed, cut out, doubled, or its names written over."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 5, 40))):
        at = dice.randrange(len(changed))
        match dice.randrange(6):
            case 0:
                changed[at] = dice.randrange(256)
            case 1:
                del changed[at : at + dice.randrange(1, 30)]
            case 2:
                changed[at:at] = changed[at : at + dice.randrange(1, 30)]
            case 3:
                changed[at : at + 4] = dice.choice((b"\xff" * 4, b"\0" * 4, b"PK\x01\x02", b"PK\x06\x07"))
            case 4:
                _write_over(changed, dice)
            case 5:
                del changed[at:]
        if not changed:
            return b"PK"
    return bytes(changed)


def _write_over(changed: bytearray, dice: random.Random) -> None:
    """Put a name that leads elsewhere in the place of one of the same length, wherever it stands."""
    known = dice.choice((SESSION, EVENTS)).encode()
    evil = dice.choice((b"../../../../../../evil", b"/tmp/evil/evil/evil", b"..\\..\\..\\evil"))
    changed[:] = changed.replace(known, evil[: len(known)].ljust(len(known), b"x"))


def test_a_thousand_broken_archives_write_nothing_outside(archive: Path, tmp_path: Path) -> None:
    data, dice = archive.read_bytes(), random.Random(7)
    taken = 0
    (tmp_path / "canary").write_text("alive")
    for number in range(1000):
        bad = tmp_path / "bad.zip"
        bad.write_bytes(_mutated(data, dice))
        state = tmp_path / "state"
        try:
            import_archive(bad, state, _PIXELS, f"n{number}")
        except RoomwiseError:
            continue
        taken += 1
        assert read_recording(state / "sessions" / f"n{number}").events is not None
    outside = {name for name in _contents(tmp_path) if not name.startswith("state/sessions/n")}
    assert outside == {"canary", "bad.zip"}
    inside = {name.split("/", 3)[3] for name in _contents(tmp_path) if name.startswith("state/")}
    assert inside <= set(_files(archive))
    assert len(list((tmp_path / "state" / "sessions").iterdir())) == taken < 900


_NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.from_regex(r"(\.\./|/|blobs/|\.\\){1,4}[a-z]{0,3}", fullmatch=True),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_NAMES, st.binary(max_size=20), max_size=3))
def test_files_of_any_other_name_are_refused(archive: Path, more: Files) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name, data in (_files(archive) | more).items():
            opened.writestr(zipfile.ZipInfo(name), data)
    bad = archive.parent / "bad.zip"
    bad.write_bytes(made.getvalue())
    state = archive.parent / "state"
    if more.keys() <= {f"{BLOBS}/"}:
        return
    with pytest.raises(ArchiveError):
        import_archive(bad, state, _PIXELS)
    assert not (state / "sessions").exists() or not list((state / "sessions").iterdir())
