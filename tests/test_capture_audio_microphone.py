import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from capture.audio import RATE, Block, level
from capture.audio_pieces import Converter, Deliver, MicrophoneOpened, Piece, Status
from capture.device import DeviceBack, Lost
from capture.microphone import QUEUE, Microphone, Stream
from core.errors import CaptureError

WAIT = 30.0


class Line:
    """A device that a test plugs in and out, fed by hand: 48 kHz, two channels."""

    rate, channels = 48_000, 2

    def __init__(self) -> None:
        self.plugged = True
        self.running = 0
        self.opened = 0
        self.deliver: Deliver | None = None

    def open(self, deliver: Deliver) -> Stream:
        if not self.plugged:
            raise CaptureError("No microphone was found. Plug one in.")
        self.deliver, self.opened, self.running = deliver, self.opened + 1, self.running + 1
        return self

    def alive(self) -> bool:
        return self.plugged

    def close(self) -> None:
        self.running -= 1

    def hum(self, amplitude: float, seconds: float = 0.02) -> None:
        if self.deliver is not None:
            wave = amplitude * np.sin(2 * np.pi * 300 * np.arange(int(seconds * self.rate)) / self.rate)
            self.deliver(np.stack([wave, wave], 1).astype(np.float32), time.monotonic())

    def say(self, value: float, seconds: float = 0.02) -> None:
        if self.deliver is not None:
            self.deliver(np.full((int(seconds * self.rate), 2), value, np.float32), time.monotonic())


def _until(condition: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it never came"
        meanwhile()
        time.sleep(0.01)


def _kinds(told: list[Status]) -> list[type[Status]]:
    return [type(status) for status in told]


def test_it_is_cheap_to_make_and_closes_unstarted() -> None:
    def never(deliver: Deliver) -> Stream:
        raise AssertionError("opened")

    microphone = Microphone(never)
    assert microphone.read(0.0) is None
    microphone.close()
    microphone.close()


def test_sound_of_any_rate_comes_as_16_khz_mono() -> None:
    line, told = Line(), list[Status]()
    microphone = Microphone(line.open, told.append)
    microphone.start()
    blocks: list[Block] = []

    def listen() -> None:
        line.hum(0.5)
        if (block := microphone.read(0.01)) is not None:
            blocks.append(block)

    _until(lambda: sum(len(block.samples) for block in blocks) > RATE // 4 and bool(told), listen)
    microphone.close()
    sound = np.concatenate([block.samples for block in blocks])
    assert sound.dtype == np.float32
    assert level(sound[200:]) == pytest.approx(-9.0, abs=0.2)
    assert told == [MicrophoneOpened(48_000, 2)]
    assert line.running == 0 and microphone.ended


@pytest.mark.parametrize("value", [0.0, 0.25, np.nan])
def test_a_muted_microphone_is_said_once_and_stays_open(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.microphone._STILL", 0.3)
    line, told = Line(), list[Status]()
    microphone = Microphone(line.open, told.append)
    microphone.start()
    _until(lambda: len(told) == 2, lambda: line.say(value))
    assert isinstance(told[1], Lost) and "muted" in told[1].reason
    _until(lambda: len(told) == 3, lambda: line.hum(0.1))
    assert isinstance(told[2], DeviceBack) and line.opened == 1
    microphone.close()


def test_a_device_that_goes_is_found_again_and_said_once() -> None:
    line, told = Line(), list[Status]()
    microphone = Microphone(line.open, told.append, longest_pause=0.2)
    microphone.start()
    _until(lambda: _kinds(told) == [MicrophoneOpened], lambda: line.say(0.1))
    line.plugged = False
    _until(lambda: len(told) == 3)
    assert [type(status) for status in told] == [MicrophoneOpened, Lost, Lost]
    assert "stopped" in str(told[1]) and "Plug one in" in str(told[2])
    time.sleep(0.6)  # some attempts that fail for the same reason
    line.plugged = True
    began = time.monotonic()
    _until(lambda: _kinds(told)[3:] == [DeviceBack], lambda: line.say(0.1))
    back = told[3]
    assert isinstance(back, DeviceBack) and 0.6 < back.after < WAIT
    assert time.monotonic() - began < 5.0
    microphone.close()
    assert line.opened == 2 and line.running == 0


def test_a_device_that_gives_nothing_is_opened_again() -> None:
    line, told = Line(), list[Status]()
    microphone = Microphone(line.open, told.append, stalled=0.2, longest_pause=0.1)
    microphone.start()
    _until(lambda: line.opened >= 3)
    microphone.close()
    assert _kinds(told) == [Lost]
    assert "given no sound for 0.2 s" in str(told[0])
    assert line.running == 0


def test_nobody_reading_costs_the_oldest_sound_and_is_counted() -> None:
    line = Line()
    microphone = Microphone(line.open)
    microphone.start()
    _until(lambda: line.deliver is not None and microphone.read(0.0) is not None, lambda: line.say(0.1))
    for _ in range(QUEUE + 7):
        line.say(0.1, 0.001)
    assert microphone.overflowed >= 7
    microphone.close()


def test_closing_never_waits_for_a_device_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.microphone._GRACE", 0.2)
    hung, entered = threading.Event(), threading.Event()

    def hangs(deliver: Deliver) -> Stream:
        entered.set()
        hung.wait(WAIT)
        raise CaptureError("It hung. Unplug it.")

    microphone = Microphone(hangs)
    microphone.start()
    assert entered.wait(WAIT)
    began = time.monotonic()
    microphone.close()
    assert time.monotonic() - began < WAIT / 2
    hung.set()


def test_sound_after_a_loss_begins_anew_at_its_own_time() -> None:
    converter = Converter()
    ones = np.ones((480, 1), np.float32)
    first = [converter.convert(Piece(1, 48_000, ones, 5.0 + number * 0.01)) for number in range(10)]
    total = sum(len(block.samples) for block in first)
    assert first[0].at == pytest.approx(5.0)
    assert first[-1].ended == pytest.approx(5.0 + total / RATE, abs=1e-3)
    after = converter.convert(Piece(1, 48_000, ones, 9.0))
    assert after.at == pytest.approx(9.0)
    other = converter.convert(Piece(2, 44_100, ones, 9.01))
    assert other.at == pytest.approx(9.01)
