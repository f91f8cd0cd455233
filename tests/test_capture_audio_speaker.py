import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.speaker import LONGEST, Mute, Speaker, speakable, voice_commands
from core.errors import CaptureError

WAIT = 60.0
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(100)"]


def _save(path: Path) -> list[str]:
    """A program that keeps what it is given."""
    return [
        sys.executable,
        "-S",
        "-c",
        f"import sys; open({str(path)!r}, 'wb').write(sys.stdin.buffer.read())",
    ]


def _here(*programs: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in programs else None


def test_a_text_reaches_the_voice_as_it_is_and_no_shell(tmp_path: Path) -> None:
    text = 'a red "mug"; $(touch pwned) `id` | -v --help \u00e9'
    copy = [sys.executable, "-S", "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"]
    failures: list[str] = []
    speaker = Speaker([copy, _save(tmp_path / "said")], Mute(), failures.append)
    speaker.say(text)
    assert speaker.wait(WAIT)
    assert (tmp_path / "said").read_text(encoding="utf-8") == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["said"]
    assert failures == [] and not speaker.speaking


def test_the_microphone_is_muted_meanwhile_and_a_moment_after() -> None:
    mute, speaker_began = Mute(), time.monotonic()
    failures: list[str] = []
    speaker = Speaker([SLEEP], mute, failures.append)
    speaker.say("a long answer")
    now = time.monotonic()
    assert mute.covers(now, now + 0.01)
    assert speaker.speaking
    assert not mute.covers(speaker_began - 5, speaker_began - 1)
    speaker.stop()
    assert failures == []
    ended = time.monotonic()
    assert mute.covers(ended, ended + 0.01)
    assert not mute.covers(ended + 0.5, ended + 0.6)


def test_a_new_text_cuts_the_last_one_short(tmp_path: Path) -> None:
    waits = "import sys, time; text = sys.stdin.read(); time.sleep(100 if text == 'one' else 0)\n"
    keeps = f"{waits}open({str(tmp_path)!r} + '/' + text, 'w')"
    speaker = Speaker([[sys.executable, "-S", "-c", keeps]], Mute())
    speaker.say("one")
    began = time.monotonic()
    speaker.say("two")
    assert speaker.wait(WAIT)
    assert time.monotonic() - began < WAIT
    assert [path.name for path in tmp_path.iterdir()] == ["two"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([sys.executable, "-S", "-c", "raise SystemExit(3)"], r"code 3.*Try it by itself"),
        (["/nowhere/espeak-ng"], r"cannot be run.*voice\.voice"),
    ],
)
def test_a_voice_that_fails_says_so_and_unmutes(command: list[str], message: str) -> None:
    failures: list[str] = []
    mute = Mute()
    speaker = Speaker([command], mute, failures.append)
    speaker.say("something")
    assert speaker.wait(WAIT)
    end = time.monotonic() + WAIT
    while not failures and time.monotonic() < end:
        time.sleep(0.01)
    (failure,) = failures
    assert re.search(message, failure)
    assert not mute.covers(time.monotonic() + 1, time.monotonic() + 2)


def test_a_voice_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.speaker._SECONDS", 0.1)
    monkeypatch.setattr("capture.speaker._SECONDS_A_CHARACTER", 0.0)
    mute = Mute()
    speaker = Speaker([SLEEP, SLEEP], mute)
    speaker.say("x" * 100)
    assert speaker.wait(WAIT)
    assert not mute.covers(time.monotonic() + 1, time.monotonic() + 2)


def test_nothing_to_say_starts_nothing() -> None:
    mute = Mute()
    speaker = Speaker([["/nowhere"]], mute)
    speaker.say(" \n\x1b ")
    assert not speaker.speaking and speaker.wait(0.0) and not mute.covers(0.0, 1e9)
    speaker.stop()


@given(st.text(max_size=1500))
def test_what_is_said_is_one_line_of_bounded_length(text: str) -> None:
    said = speakable(text)
    assert "\n" not in said and "\x1b" not in said and "[[" not in said
    assert len(said) <= 2 * LONGEST


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=8), st.floats(0, 120), st.floats(0, 5)
)
def test_mute_covers_what_was_captured_while_a_voice_spoke(
    spans: list[tuple[float, float]], began: float, length: float
) -> None:
    mute = Mute(tail=0.3)
    for since, seconds in spans:
        mute.begin(since)
        mute.end(since + seconds)
    expected = any(since < began + length and began < since + seconds + 0.3 for since, seconds in spans)
    assert mute.covers(began, began + length) == expected


def test_a_voice_is_espeaks_or_a_file_of_pipers(tmp_path: Path) -> None:
    assert voice_commands("en-gb", _here("espeak-ng")) == [["/bin/espeak-ng", "--stdin", "-v", "en-gb"]]
    voice = tmp_path / "amy.onnx"
    voice.touch()
    which = _here("piper", "aplay")
    synthesis, playing = voice_commands(str(voice), which)
    assert synthesis == ["/bin/piper", "--model", str(voice), "--output-raw"]
    assert playing[playing.index("-r") + 1] == "22050"
    (tmp_path / "amy.onnx.json").write_text(json.dumps({"audio": {"sample_rate": 16_000}}))
    assert voice_commands(str(voice), which)[1][-2] == "16000"


@pytest.mark.parametrize(
    ("voice", "programs", "message"),
    [
        ("en", [], "apt install espeak-ng"),
        ("none.onnx", ["piper", "aplay"], "no piper voice"),
        ("-f/etc/passwd", ["espeak-ng"], "no voice"),
    ],
)
def test_what_is_missing_is_said(voice: str, programs: list[str], message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        voice_commands(voice, _here(*programs))


def test_piper_needs_a_player(tmp_path: Path) -> None:
    (tmp_path / "amy.onnx").touch()
    with pytest.raises(CaptureError, match="apt install alsa-utils"):
        voice_commands(str(tmp_path / "amy.onnx"), _here("piper"))
