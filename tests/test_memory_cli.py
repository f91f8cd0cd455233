import json
from pathlib import Path
from typing import Any

import pytest
from tiny_memory import WordsAndColours, embedder, frame, jpeg

import roomwise
from core.files import state_dir
from core.lazy import run
from core.types import Pair
from memory.store import Memory


def small_embedder(student: str) -> WordsAndColours:
    """Stands in for models.embedder.load_embedder."""
    assert student == "builtin-student"
    return WordsAndColours()


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> list[Pair]:
    monkeypatch.setitem(roomwise.PARTS, "embedder", f"{__name__}:small_embedder")
    with Memory.open(state_dir() / "memory", embedder()) as memory:
        return [
            memory.add("kitchen", frame(0), "What colour is the sofa?", "red", "expert", "e"),
            memory.add("hall", frame(1), "How many chairs are there?", "two", "expert", "e"),
        ]


def _roomwise(*args: str) -> int:
    return run(roomwise.app, "roomwise", ["memory", *args])


def _json(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    capsys.readouterr()
    assert _roomwise(*args, "--json") == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    values: dict[str, Any] = json.loads(out)
    return values


def test_nothing_yet(capsys: pytest.CaptureFixture[str]) -> None:
    assert _roomwise("list") == 0
    assert capsys.readouterr().out == "Nothing is remembered yet.\n"
    assert _json(capsys, "list") == {"pairs": []}
    assert not state_dir().exists()


def test_pairs_are_listed_by_room(pairs: list[Pair], capsys: pytest.CaptureFixture[str]) -> None:
    assert _roomwise("list", "--room", "hall") == 0
    assert capsys.readouterr().out == f"{pairs[1].id[:8]}  hall  How many chairs are there?  two\n"
    listed = _json(capsys, "list")["pairs"]
    assert [pair["id"] for pair in listed] == [pair.id for pair in pairs]


def test_search_by_words_and_view(
    pairs: list[Pair], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "view.jpg").write_bytes(jpeg(1))
    by_words = _json(capsys, "search", "the colour of the sofa")["hits"]
    assert by_words[0]["pair"]["id"] == pairs[0].id and by_words[0]["view"] is None
    by_view = _json(capsys, "search", "", "--image", str(tmp_path / "view.jpg"), "-k", "1")["hits"]
    assert [hit["pair"]["id"] for hit in by_view] == [pairs[1].id] and by_view[0]["question"] is None
    assert _roomwise("search", "chairs", "--image", str(tmp_path / "view.jpg")) == 0
    first, _ = capsys.readouterr().out.splitlines()
    assert f"{pairs[1].id[:8]}  hall" in first


def test_a_correction_is_shown_with_what_was_before(
    pairs: list[Pair], capsys: pytest.CaptureFixture[str]
) -> None:
    start = pairs[0].id[:6]
    assert _json(capsys, "correct", start, "blue")["source"] == "person"
    shown = _json(capsys, "show", start)
    assert shown["answer"] == "blue" and shown["history"][0]["answer"] == "red"
    assert Path(shown["frame_file"]).read_bytes() == jpeg(0)
    assert _roomwise("show", start) == 0
    assert "before       red (expert, until " in capsys.readouterr().out


def test_a_mistyped_id_deletes_nothing(pairs: list[Pair], capsys: pytest.CaptureFixture[str]) -> None:
    assert _roomwise("delete", pairs[0].id, "nonsense") == 2
    assert "roomwise memory list" in capsys.readouterr().err
    assert len(_json(capsys, "list")["pairs"]) == 2
    assert [pair["id"] for pair in _json(capsys, "delete", pairs[0].id)["deleted"]] == [pairs[0].id]
    assert _roomwise("delete", pairs[1].id) == 0
    assert capsys.readouterr().out.startswith(f"Deleted {pairs[1].id[:8]}  hall")
    assert not _json(capsys, "list")["pairs"]


def test_out_and_in_again(pairs: list[Pair], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "export")
    assert _json(capsys, "export", folder)["pairs"] == 2
    _json(capsys, "delete", pairs[0].id)
    assert _json(capsys, "import", folder) == {"new": 1, "known": 1}
    assert {pair["id"] for pair in _json(capsys, "list")["pairs"]} == {pair.id for pair in pairs}
    assert _roomwise("import", str(tmp_path)) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_running_agent_is_named_but_can_be_read_beside(
    pairs: list[Pair], capsys: pytest.CaptureFixture[str]
) -> None:
    with Memory.open(state_dir() / "memory"):
        assert len(_json(capsys, "list")["pairs"]) == 2
        assert _roomwise("delete", pairs[0].id) == 2
        assert "in use by process" in capsys.readouterr().err


@pytest.mark.slow
def test_the_built_in_student_sees_what_was_asked(
    pairs: list[Pair], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(roomwise.PARTS, "embedder", "models.embedder:load_embedder")
    picture = str(Path(roomwise.__file__).parent / "docs" / "room.jpg")
    hits = _json(capsys, "search", "Which colour does the couch have?", "--image", picture)["hits"]
    assert hits[0]["pair"]["id"] == pairs[0].id
