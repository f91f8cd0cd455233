"""The page of a session: whole, on its own, and safe to open whatever was said."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tiny_memory import jpeg

from agent.recording.record import Recorder, Recording, read_recording
from agent.recording.summary import summarise
from agent.replay.curve import takeover_curve
from agent.replay.report import write_report
from core.errors import InputError
from core.events import Answered, Asked, Compared, Judged, Routed, SessionStarted

_HOSTILE = "<script>alert('x')</script>"


def _recording(folder: Path, judged: bool = True) -> Recording:
    with Recorder(folder, {"room": _HOSTILE, "student": "small", "expert": "large"}) as recorder:
        frame = recorder.keep(jpeg(), ".jpg")
        recorder.append(
            SessionStarted(
                at=0, session="s", room=_HOSTILE, student="small", expert="large", warm_up=1, seed=0
            )
        )
        for turn, right in ((1, True), (2, False)):
            recorder.append(Asked(at=0, turn=turn, question=_HOSTILE, frame=frame, frame_age_ms=0))
            recorder.append(Routed(at=0, turn=turn, to="student", reason=_HOSTILE))
            recorder.append(
                Answered(at=0, turn=turn, by="student", text=_HOSTILE, confidence=0.5, latency_ms=9)
            )
            if judged:
                recorder.append(Judged(at=0, turn=turn, reference=_HOSTILE, right=right, nls=0, tag=_HOSTILE))
        recorder.append(Compared(at=0, turn=2, method="memory", text="x", right=True))
    return read_recording(folder)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone_and_runs_nothing(tmp_path: Path) -> None:
    recording = _recording(tmp_path / "s")
    page = write_report(recording, summarise(recording.events), tmp_path / "report")
    parser = _Tags()
    parser.feed(page.read_text())
    assert "script" not in parser.tags
    assert parser.tags.count("img") == 2
    assert parser.tags.count("circle") == 2
    assert _HOSTILE not in page.read_text()
    assert all(link.startswith("data:image/jpeg;base64,") for link in parser.links)
    curve = (tmp_path / "report" / "takeover.svg").read_text()
    assert curve in page.read_text() and _HOSTILE not in curve
    told = json.loads((tmp_path / "report" / "report.json").read_text())
    assert told["turns"][1]["answer"] == _HOSTILE
    assert told["table"]["memory"]["all"] == {"mean": 1.0, "n": 1}


def test_without_known_answers_there_is_no_curve(tmp_path: Path) -> None:
    recording = _recording(tmp_path / "s", judged=False)
    assert "<svg" not in takeover_curve(summarise(recording.events))
    assert write_report(recording, summarise(recording.events), tmp_path / "report").is_file()
    assert not (tmp_path / "report" / "takeover.svg").exists()


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    recording = _recording(tmp_path / "s")
    for blob in (tmp_path / "s" / "blobs").iterdir():
        blob.unlink()
    with pytest.raises(InputError, match="missing"):
        write_report(recording, summarise(recording.events), tmp_path / "report")
