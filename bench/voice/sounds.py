"""Sounds and words of the voice bench: spoken by espeak-ng, or heard in rooms where nobody speaks."""

import io
import re
import shutil
import subprocess
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.rooms.catalogue.index import BUILDERS
from bench.rooms.world.palette import COLOURS
from bench.rooms.world.wordings import indefinite, plural, verb, wordings
from core.errors import CaptureError

Sound = NDArray[np.float64]
"""Samples [n] in [-1, 1] at some rate."""

RATE = 48_000
"""Samples a second of the sounds made here: what most microphones give."""

LOUDNESS = 0.05
"""Root mean square of a sentence, -26 dB below full scale: an arm's length from a usual microphone."""

_HUSH = 0.0005
_END = 0.01  # of the peak: the last sample above it is the end of speech
_LIMIT = 30.0


class EspeakVoice(NamedTuple):
    """A voice of espeak-ng, and its words a minute."""

    name: str
    rate: int


VOICES = (
    EspeakVoice("en-us", 150), EspeakVoice("en-gb", 165), EspeakVoice("en-us+f3", 150),
    EspeakVoice("en-gb-scotland", 140), EspeakVoice("en-us+m7", 180), EspeakVoice("en-gb+f2", 140),
)  # fmt: skip


def speak(text: str, voice: EspeakVoice) -> tuple[Sound, int]:
    """A sentence and its rate, at `LOUDNESS`, without the silence after it. Raises CaptureError."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise CaptureError("This bench speaks with espeak-ng, which is not installed. apt install espeak-ng")
    process = subprocess.run(
        [program, "--stdin", "--stdout", "-v", voice.name, "-s", str(voice.rate)],
        input=text.encode(), capture_output=True, timeout=_LIMIT, check=False,
    )  # fmt: skip
    if process.returncode or len(process.stdout) < 1000:
        raise CaptureError(f"espeak-ng has no voice {voice.name!r} that works. Install it again.")
    with wave.open(io.BytesIO(process.stdout), "rb") as file:
        rate = file.getframerate()
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    loud = np.flatnonzero(np.abs(sound) > _END * np.abs(sound).max())
    spoken = sound[: loud[-1] + 1]
    return spoken * LOUDNESS / _rms(spoken), rate


def save(path: Path, sound: Sound, rate: int) -> None:
    """As a 16-bit WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def in_noise(speech: Sound, rate: int, decibels: float | None, rng: np.random.Generator) -> Sound:
    """Speech with a second of room before it and one and a half after, and noise so far below it."""
    whole = np.concatenate([np.zeros(rate), speech, np.zeros(rate + rate // 2)])
    below = _HUSH if decibels is None else _rms(speech) * 10 ** (-decibels / 20)
    return whole + below * pink(len(whole), rng)


def pink(length: int, rng: np.random.Generator) -> Sound:
    """Noise [n] whose power falls with its frequency, as that of rooms does; root mean square 1."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    sound = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 20.0)), length)
    return sound / _rms(sound)


def _rms(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound))))


def _near_silence(length: int, rng: np.random.Generator) -> Sound:
    return _random_level(rng, -80, -60) * rng.normal(size=length)


def _hum(length: int, rng: np.random.Generator) -> Sound:
    times, mains = np.arange(length) / RATE, float(rng.choice([50.0, 60.0]))
    sound = np.zeros(length)
    for harmonic in (1, 2, 3, 5, 7):
        sound += (
            rng.uniform(0.1, 1) / harmonic * np.sin(2 * np.pi * mains * harmonic * times + rng.uniform(0, 6))
        )
    return _switched_on(_random_level(rng, -50, -25) * sound / _rms(sound), rng)


def _fan(length: int, rng: np.random.Generator) -> Sound:
    times = np.arange(length) / RATE
    blades = 1 + 0.2 * np.sin(2 * np.pi * rng.uniform(8, 40) * times)
    return _switched_on(_random_level(rng, -50, -25) * blades * pink(length, rng), rng)


def _clicks(length: int, rng: np.random.Generator) -> Sound:
    sound, decay = np.zeros(length), np.exp(-np.arange(RATE // 50) / (RATE * rng.uniform(0.0005, 0.004)))
    for first in rng.integers(0, length - len(decay), int(rng.integers(5, 40))):
        sound[first : first + len(decay)] += _random_level(rng, -25, -3) * decay * rng.normal(size=len(decay))
    return sound


def _switched_on(sound: Sound, rng: np.random.Generator) -> Sound:
    """Silent up to some moment within the first two seconds."""
    sound[: int(rng.uniform(0, 2) * RATE)] = 0.0
    return sound


def _random_level(rng: np.random.Generator, low: float, high: float) -> float:
    return float(10 ** (rng.uniform(low, high) / 20))


Maker = Callable[[int, np.random.Generator], Sound]
NOTHING: dict[str, Maker] = {"near-silence": _near_silence, "hum": _hum, "fan": _fan, "clicks": _clicks}


def nothing(kind: str, seconds: float, rng: np.random.Generator) -> Sound:
    """A room of `NOTHING` where nobody speaks, at `RATE`, over a microphone's own faint noise."""
    length = int(seconds * RATE)
    return NOTHING[kind](length, rng) + _random_level(rng, -80, -65) * rng.normal(size=length)


# Spoken alike, written in two ways; and how Whisper writes what it hears of small numbers.
_ALIKE = {"colour": "color", "grey": "gray", "tvs": "tv", "television": "tv", "bookshelf": "book shelf"}
_IN_LETTERS = "zero one two three four five six seven eight nine ten".split()
_NUMBERS = {str(value): word for value, word in enumerate(_IN_LETTERS)}
_JOINERS = re.compile(r"['\u2019]")
_OTHER = re.compile(r"[^\w]+|_")


def sentences(count: int, seed: int) -> list[str]:
    """Questions about rooms, in wordings that nothing was trained on; the same for the same seed."""
    rng = np.random.default_rng([seed, 6])
    kinds = wordings("test")
    names = list(kinds)
    order = [names[index] for index in rng.permutation(len(names))]
    return [_fill(kinds[order[number % len(order)]], rng) for number in range(count)]


def _fill(choices: Sequence[str], rng: np.random.Generator) -> str:
    a, b, c = (str(name) for name in rng.choice(sorted(BUILDERS), 3, replace=False))
    colour = str(rng.choice(sorted(COLOURS)))
    return choices[int(rng.integers(len(choices)))].format(
        a=a, b=b, c=c, an=indefinite(a), many=plural(a), colour=colour,
        **{"is": verb(a), "Is": verb(a).capitalize()},
    )  # fmt: skip


def words(text: str) -> list[str]:
    """The words of a text as they sound: lower case, no punctuation, one spelling, numbers in letters."""
    plain = _OTHER.sub(" ", _JOINERS.sub("", text.lower())).split()
    alike = " ".join(_ALIKE.get(word, word) for word in plain).split()
    return [_NUMBERS.get(word, word) for word in alike]


def word_errors(reference: Sequence[str], transcript: Sequence[str]) -> int:
    """The edit distance in words from the reference to the transcript."""
    row = list(range(len(transcript) + 1))
    for count, left in enumerate(reference, start=1):
        diagonal, row[0] = row[0], count
        for column, right in enumerate(transcript, start=1):
            cheapest = min(row[column] + 1, row[column - 1] + 1, diagonal + (left != right))
            diagonal, row[column] = row[column], cheapest
    return row[-1]
