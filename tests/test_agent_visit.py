"""Sessions to replay: plain folders and recordings, and everything that can be wrong with them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agent.recording.record import Recorder
from agent.recording.visit import DEMO, read_visit
from core.errors import InputError, RoomwiseError
from core.events import Answered, Asked, Compared, Judged

_README = Path(__file__).resolve().parent.parent / "README.md"
_TURN = {"frame": 0, "question": "What is on the table?", "answer": "a mug"}


def _plain(folder: Path, **told: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session.json").write_text(json.dumps({"turns": [_TURN], **told}))
    return folder


def test_a_plain_folder_is_read(tmp_path: Path) -> None:
    turns = [_TURN, {"frame": 1, "question": "Where is the mug?", "tag": "new-fact", "family": "where"}]
    visit = read_visit(_plain(tmp_path / "kitchen", turns=turns, source_images=[1, 2]))
    assert visit.room == "kitchen"
    assert [turn.frame.name for turn in visit.turns] == ["frame-0.jpg", "frame-1.jpg"]
    assert visit.turns[0].answer == "a mug"
    assert (visit.turns[1].answer, visit.turns[1].tag, visit.turns[1].family) == ("", "new-fact", "where")


def test_frames_may_have_names(tmp_path: Path) -> None:
    visit = read_visit(_plain(tmp_path / "a", frames=["one.png"], room="den"))
    assert visit.room == "den"
    assert visit.turns[0].frame.name == "one.png"


def test_a_folder_may_say_whose_its_answers_are(tmp_path: Path) -> None:
    turns = [_TURN, {**_TURN, "pause": 2.5}]
    visit = read_visit(_plain(tmp_path / "a", answers="truth", turns=turns))
    assert (visit.answers, read_visit(_plain(tmp_path / "b")).answers) == ("truth", "expert")
    assert [turn.pause for turn in visit.turns] == [None, 2.5]


def test_the_demo_session_is_whole_and_small() -> None:
    visit = read_visit(DEMO)
    assert len(visit.turns) == 20 and visit.answers == "truth"
    assert all(turn.answer for turn in visit.turns)
    for turn in visit.turns:
        with Image.open(turn.frame) as picture:
            assert picture.size == (224, 224)
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 300_000


def test_the_session_that_the_readme_shows_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", _README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "session.json").write_text(shown)
    assert read_visit(tmp_path).turns[0].pause == 5


def test_a_question_that_was_asked_twice_is_one_turn(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s", {"room": "hall"}) as recorder:
        frame = recorder.keep(b"jpeg", ".jpg")
        for at in (1, 2):
            recorder.append(Asked(at=at, turn=1, question="What?", frame=frame, frame_age_ms=0))
    assert len(read_visit(tmp_path / "s").turns) == 1


def test_a_recording_is_read(tmp_path: Path) -> None:
    with Recorder(tmp_path / "s", {"room": "hall"}) as recorder:
        frame = recorder.keep(b"jpeg", ".jpg")
        for turn, by in ((1, "expert"), (2, "student"), (3, "student")):
            at = 10 * turn
            recorder.append(
                Asked(at=at, turn=turn, question=f"Question {turn}?", frame=frame, frame_age_ms=turn)
            )
            recorder.append(
                Answered(at=at + 1, turn=turn, by=by, text=f"answer {turn}", confidence=1, latency_ms=1)  # type: ignore[arg-type]
            )
        recorder.append(Judged(at=0, turn=3, reference="known", right=False, nls=0, tag="new-fact"))
        recorder.append(Compared(at=0, turn=3, method="memory", text="m", right=False))
        recorder.append(Compared(at=0, turn=3, method="expert", text="e", right=False))
    visit = read_visit(tmp_path / "s")
    assert (visit.room, visit.answers) == ("hall", "expert")
    assert [turn.answer for turn in visit.turns] == ["answer 1", "", "known"]
    assert [turn.told for turn in visit.turns] == ["answer 1", "", "e"]
    assert [turn.pause for turn in visit.turns] == [None, 9, 9]
    assert [turn.tag for turn in visit.turns] == ["", "", "new-fact"]
    assert [turn.frame_age_ms for turn in visit.turns] == [1, 2, 3]
    assert visit.turns[0].frame.read_bytes() == b"jpeg"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"turns": []}, "turns"),
        ({"turns": [{"frame": -1, "question": "What?"}]}, "frame"),
        ({"turns": [{"frame": 0}]}, "question"),
        ({"turns": [{"frame": 0, "question": " \u0007 "}]}, "Turn 1 .* empty"),
        ({"frames": ["a.jpg"], "turns": [{"frame": 1, "question": "What?"}]}, "frame 1 of 1"),
        ({"frames": ["../../secret.jpg"]}, "outside"),
        ({"answers": "guesses"}, "answers"),
        ({"turns": [{**_TURN, "pause": -1}]}, "pause"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, told: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_visit(_plain(tmp_path / "s", **told))


def test_no_folder_no_session_no_json(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no session folder"):
        read_visit(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no session\.json"):
        read_visit(tmp_path)
    (tmp_path / "session.json").write_text('{"turns": [{"frame"')
    with pytest.raises(InputError, match="is damaged"):
        read_visit(tmp_path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(st.sampled_from(["turns", "frame", "question", "frames", "room"]), x)
        ),
    )
)
def test_no_json_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, told: Any) -> None:
    folder = tmp_path_factory.mktemp("s")
    (folder / "session.json").write_text(json.dumps(told))
    try:
        assert read_visit(folder).turns
    except RoomwiseError as error:
        assert str(error)
