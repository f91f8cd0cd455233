"""Speak answers with espeak-ng, or piper and aplay, as child processes.

The text goes to their standard input and never through a shell. The microphone is muted meanwhile.
"""

import contextlib
import math
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import CaptureError, StorageError
from core.text import strip_controls
from core.untrusted import parse_json, read_bytes

Command = Sequence[str]
"""A program and its arguments."""
ESPEAK = "espeak-ng"
_PIPER_RATE = 22_050  # samples a second, the default


def voice_commands(voice: str, which: Callable[[str], str | None] = shutil.which) -> list[list[str]]:
    """The programs of a voice: one of espeak-ng's, such as en-gb, or the path of a piper voice, a .onnx file.

    Raises CaptureError when a program or the file is missing.
    """
    if voice.endswith(".onnx"):
        return _piper(Path(voice), which)
    if voice.startswith("-"):
        raise CaptureError(f"{voice!r} is no voice. Choose one that espeak-ng --voices lists.")
    program = _find_program(ESPEAK, "apt install espeak-ng", which)
    return [[program, "--stdin", "-v", voice]]


def _piper(path: Path, which: Callable[[str], str | None]) -> list[list[str]]:
    if not path.is_file():
        raise CaptureError(f"There is no piper voice at {path}. Check voice.voice.")
    piper = _find_program("piper", "pip install piper-tts", which)
    player = _find_program("aplay", "apt install alsa-utils", which)
    return [
        [piper, "--model", str(path), "--output-raw"],
        [player, "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(_piper_rate(path)), "-"],
    ]


def _piper_rate(path: Path) -> int:
    """Samples a second of a piper voice, from the settings beside it."""
    settings = path.with_name(f"{path.name}.json")
    try:
        return int(parse_json(read_bytes(settings))["audio"]["sample_rate"])
    except (StorageError, ValueError, KeyError, TypeError):
        return _PIPER_RATE


def _find_program(program: str, remedy: str, which: Callable[[str], str | None]) -> str:
    path = which(program)
    if path is None:
        raise CaptureError(f"Answers are spoken by {program}, which is not installed. Install it: {remedy}")
    return path


TAIL = 0.3
"""Seconds of reverberation and loudspeaker buffer after the last word."""
_REMEMBERED = 64


class Mute:
    """Spans of the monotonic clock in which the agent spoke, to compare with capture times. Thread-safe."""

    def __init__(self, tail: float = TAIL) -> None:
        self._tail = tail
        self._lock = threading.Lock()
        self._spans: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._since: list[float] = []

    def begin(self, at: float) -> None:
        """A voice begins. Voices may overlap; each `begin` needs its `end`."""
        with self._lock:
            self._since.append(at)

    def end(self, at: float) -> None:
        """A voice ends."""
        with self._lock:
            if self._since:
                self._spans.append((self._since.pop(0), at + self._tail))

    def covers(self, began: float, ended: float) -> bool:
        """Whether any of the time from `began` to `ended` is muted."""
        with self._lock:
            spans = [*self._spans, *((since, math.inf) for since in self._since)]
        return any(since < ended and began < until for since, until in spans)


LONGEST = 1000
"""Characters of an answer that are spoken."""
_SECONDS, _SECONDS_A_CHARACTER = 10.0, 0.25  # the time-out of a voice
_GRACE = 2.0


class Speaker:
    """Says one text at a time; a new one interrupts the last.

    `commands` form a pipe. `mute` records when the voice speaks. `failed` gets the reason of a failure, on
    another thread.
    """

    def __init__(
        self, commands: Sequence[Command], mute: Mute,
        failed: Callable[[str], None] = lambda reason: None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._commands, self._mute, self._failed, self._clock = commands, mute, failed, clock
        self._lock = threading.Lock()
        self._speech: _Speech | None = None

    @property
    def speaking(self) -> bool:
        """Whether something is being said."""
        speech = self._speech
        return speech is not None and not speech.over.is_set()

    def say(self, text: str) -> None:
        """Begin to say a text; returns at once."""
        words = speakable(text)
        with self._lock:
            self._hush()
            if words:
                self._speech = _Speech(self._commands, words, self._mute, self._failed, self._clock)
                self._speech.start()

    def stop(self) -> None:
        """Interrupt the current text. Waits two seconds at most."""
        with self._lock:
            self._hush()

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is being said; False when that takes longer than `timeout` seconds."""
        speech = self._speech
        return speech is None or speech.over.wait(timeout)

    def _hush(self) -> None:
        if self._speech is not None:
            self._speech.stop()
            self._speech.over.wait(_GRACE)


class _Speech:
    """One text being said, on a thread of its own."""

    def __init__(
        self, commands: Sequence[Command], words: str, mute: Mute,
        failed: Callable[[str], None], clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._commands, self._words, self._mute = commands, words, mute
        self._failed, self._clock = failed, clock
        self._lock = threading.Lock()
        self._programs: list[subprocess.Popen[bytes]] = []
        self._stopped = False
        self.over = threading.Event()

    def start(self) -> None:
        # Muted from now, not from when the thread runs.
        self._mute.begin(self._clock())
        threading.Thread(target=self._run, name="speaker", daemon=True).start()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            programs = list(self._programs)
        for program in programs:
            with contextlib.suppress(ProcessLookupError):
                program.kill()

    def _run(self) -> None:
        reason = ""
        try:
            reason = self._run_programs()
        except OSError as error:
            reason = f"{self._commands[0][0]} cannot be run ({error}). Set voice.voice to another."
        finally:
            self.stop_and_reap()
            self._mute.end(self._clock())
            self.over.set()
        if reason:
            self._failed(reason)

    def _run_programs(self) -> str:
        """Run the programs to their end; returns why they failed, "" if they did not or were stopped."""
        self._start_programs()
        limit = _SECONDS + _SECONDS_A_CHARACTER * len(self._words)
        try:
            self._feed()
            self._programs[-1].wait(limit)
        except subprocess.TimeoutExpired:
            return f"The voice took more than {limit:.0f} s. Set voice.voice to another."
        code = next((program.poll() for program in self._programs if program.poll()), 0)
        if code and not self._stopped:
            pipe = " | ".join(" ".join(command) for command in self._commands)
            return f"The voice failed (code {code}). Try it by itself: {pipe}"
        return ""

    def _start_programs(self) -> None:
        source: int | None = subprocess.PIPE
        for command in self._commands:
            last = command is self._commands[-1]
            with self._lock:
                if self._stopped:
                    return
                program = subprocess.Popen(
                    list(command), stdin=source, stdout=subprocess.DEVNULL if last else subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )  # fmt: skip
                self._programs.append(program)
            source = program.stdout  # type: ignore[assignment]  # a pipe's end is as good as its number

    def _feed(self) -> None:
        if not self._programs:
            return
        first = self._programs[0].stdin
        with contextlib.suppress(BrokenPipeError):
            first.write(self._words.encode())  # type: ignore[union-attr]  # it was asked for
        with contextlib.suppress(BrokenPipeError):
            first.close()  # type: ignore[union-attr]

    def stop_and_reap(self) -> None:
        """Kill and reap all programs."""
        for program in self._programs:
            if program.poll() is None:
                program.kill()
            program.wait()
            for pipe in (program.stdin, program.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()


def speakable(text: str) -> str:
    """The text in one line of at most `LONGEST` characters, without espeak's phoneme brackets."""
    return strip_controls(text)[:LONGEST].replace("[[", "[ [").strip()
