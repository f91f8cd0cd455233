import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tiny_sounds import hiss, save, voice

from capture.audio import RATE, Block, Samples
from capture.audio_file import FileMicrophone
from capture.audio_judged import Rules
from capture.audio_listener import Listener
from capture.speaker import Mute
from capture.utterance import Segmenter, Utterance
from capture.voice_activity import EnergyGate
from core.errors import CaptureError

WAIT = 120.0


def _room(*spoken: tuple[float, float], seconds: float = 8.0) -> Samples:
    """A quiet room in which something is said, from and for so many seconds."""
    sound = hiss(seconds, 0.001)
    for at, length in spoken:
        first = int(at * RATE)
        sound[first : first + int(length * RATE)] += voice(length)
    return sound


def _listener(path: Path, given: list[Utterance], rules: Rules, mute: Mute | None = None) -> Listener:
    ears = FileMicrophone(path, real_time=False, clock=lambda: 0.0)
    return Listener(ears, EnergyGate(), Segmenter(rules), given.append, mute)


def test_what_is_said_to_an_open_microphone_is_given_with_its_times(tmp_path: Path) -> None:
    given: list[Utterance] = []
    path = save(tmp_path / "a.wav", _room((2.0, 1.0), (5.0, 1.5)))
    listener = _listener(path, given, Rules(open_microphone=True))
    listener.start()
    assert listener.wait(WAIT)
    listener.close()
    assert [utterance.began for utterance in given] == [pytest.approx(at, abs=0.3) for at in (2.0, 5.0)]
    assert [utterance.ended for utterance in given] == [pytest.approx(at, abs=0.3) for at in (3.0, 6.5)]


def test_what_is_being_said_at_the_end_of_a_file_is_given_too(tmp_path: Path) -> None:
    given: list[Utterance] = []
    listener = _listener(save(tmp_path / "a.wav", _room((6.0, 2.0))), given, Rules(open_microphone=True))
    listener.start()
    assert listener.wait(WAIT)
    assert len(given) == 1


def test_only_what_is_said_with_the_key_down_is_given(tmp_path: Path) -> None:
    given: list[Utterance] = []
    listener = _listener(save(tmp_path / "a.wav", _room((2.0, 1.0), (5.0, 1.0))), given, Rules())
    listener.press(4.8)
    listener.release(6.1)
    listener.start()
    assert listener.wait(WAIT)
    assert [utterance.began for utterance in given] == [pytest.approx(5.0, abs=0.3)]


def test_the_agents_own_voice_is_not_heard(tmp_path: Path) -> None:
    given: list[Utterance] = []
    mute = Mute()
    mute.begin(3.9)
    mute.end(5.2)
    path = save(tmp_path / "a.wav", _room((2.0, 1.0), (4.0, 1.2), (6.2, 1.0)))
    listener = _listener(path, given, Rules(open_microphone=True), mute)
    listener.start()
    assert listener.wait(WAIT)
    assert [utterance.began for utterance in given] == [pytest.approx(at, abs=0.3) for at in (2.0, 6.2)]
    assert all(utterance.ended <= 3.9 or utterance.at >= 5.5 for utterance in given)


def test_a_room_where_nobody_speaks_gives_nothing(tmp_path: Path) -> None:
    given: list[Utterance] = []
    clicks = hiss(8.0, 0.002)
    clicks[::20_000] = 0.9
    listener = _listener(save(tmp_path / "a.wav", clicks), given, Rules(open_microphone=True))
    listener.start()
    assert listener.wait(WAIT)
    assert given == []


class Endless:
    """Ears that hear silence for ever, or nothing at all."""

    ended = False

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        self.blocks = list(blocks)
        self.closed = 0

    def start(self) -> None:
        pass

    def read(self, timeout: float) -> Block | None:
        time.sleep(min(timeout, 0.01))
        return self.blocks.pop(0) if self.blocks else None

    def close(self) -> None:
        self.closed += 1


def test_closing_ends_it_and_drops_what_is_being_said() -> None:
    given: list[Utterance] = []
    ears = Endless([Block(voice(1.0), 0.0)])
    listener = Listener(ears, EnergyGate(), Segmenter(Rules(open_microphone=True)), given.append)
    listener.start()
    while ears.blocks:
        time.sleep(0.01)
    listener.close()
    assert listener.wait(WAIT)
    assert ears.closed and given == []


def test_a_file_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    listener = _listener(tmp_path / "none.wav", [], Rules())
    with pytest.raises(CaptureError, match="Check the path"):
        listener.start()
    listener.close()


def test_chunks_are_those_of_the_sound() -> None:
    heard: list[Samples] = []

    class Noting(EnergyGate):
        def probability(self, chunk: Samples) -> float:
            heard.append(chunk)
            return 0.0

    sound = hiss(1.0, 0.1)
    listener = Listener(Endless(), Noting(), Segmenter(Rules()), lambda utterance: None)
    for first in range(0, len(sound), 300):
        listener.hear(Block(sound[first : first + 300], first / RATE))
    assert np.array_equal(np.concatenate(heard), sound[: len(sound) // 512 * 512])
