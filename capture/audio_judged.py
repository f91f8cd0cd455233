"""What makes an utterance, and chunks of sound judged by that."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capture.audio import CHUNK, RATE, Block, level
from core.config import VoiceConfig

QUIET = -70.0
"""No room counts as quieter, in dB below full scale: below it are only the sound card's own bits."""

_SECONDS = 10.0
_QUANTILE = 0.1
_UNKNOWN = -60.0  # what a room is taken for before there is enough of it
_ENOUGH = 10  # chunks
_EVERY = 4  # chunks between two estimates


class RoomFloor:
    """The level that a tenth of the last ten seconds lay below. Speech has gaps enough to raise it little."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=int(_SECONDS * RATE / CHUNK))
        self._seen = 0
        self._floor = _UNKNOWN

    @property
    def now(self) -> float:
        """The floor as far as it is known, in dB below full scale."""
        return self._floor

    def add(self, level: float) -> float:
        """Take the level of one more chunk; returns the floor with it, both in dB below full scale."""
        self._levels.append(level)
        self._seen += 1
        if len(self._levels) >= _ENOUGH and self._seen % _EVERY == 0:
            self._floor = max(QUIET, float(np.quantile(self._levels, _QUANTILE)))
        return self._floor


SECONDS = CHUNK / RATE
"""How long a chunk is."""

_CUT_WITHIN = 5.0  # seconds at the end of the longest utterance in which it is cut


@dataclass(frozen=True)
class Rules:
    """What makes an utterance. Probabilities in [0, 1], times in seconds, levels in dB."""

    open_microphone: bool = False
    """Whether speech alone begins an utterance; else a key has to."""
    begin: float = 0.5
    """Chunks at least so likely to be speech begin an utterance,"""
    go_on: float = 0.35
    """and those that are at least so likely keep it going."""
    with_key: float = 0.15
    """While a key is held down so much is enough: whispers are not lost."""
    pause: float = 0.6
    """So long without speech ends it."""
    shortest: float = 0.25
    """With less speech in it, it is none."""
    longest: float = 30.0
    """It is cut at the quietest point before; at least a second."""
    pre_roll: float = 0.3
    """So much is given from before its first speech: its first sound is softer than what gave it away."""
    above_floor: float = 6.0
    """Speech is so much louder than the room,"""
    least_level: float = -60.0
    """and than this below full scale."""


@dataclass(frozen=True, eq=False)
class JudgedChunk:
    """A chunk and what it was judged to be. `keeps`: enough to keep an utterance going."""

    block: Block
    probability: float
    level: float
    floor: float
    begins: bool
    keeps: bool


def judged(rules: Rules, room: RoomFloor, chunk: Block, probability: float) -> JudgedChunk:
    """Judge a chunk; what is no speech also tells of the room. Speech that goes on may become softer."""
    loudness = level(chunk.samples)
    floor = room.add(loudness) if probability < rules.go_on else room.now
    loud = loudness >= max(rules.least_level, floor + rules.above_floor)
    audible = loudness >= max(rules.least_level, floor + rules.above_floor / 2)
    enough = rules.go_on if rules.open_microphone else rules.with_key
    return JudgedChunk(
        chunk, probability, loudness, floor,
        begins=loud and probability >= rules.begin, keeps=audible and probability >= enough,
    )  # fmt: skip


def quietest(chunks: Sequence[JudgedChunk]) -> int:
    """The last of the quietest chunks in the seconds, at most half of all, in which to cut."""
    first = max(len(chunks) // 2, len(chunks) - int(_CUT_WITHIN / SECONDS))
    levels = [heard.level for heard in chunks[first:]]
    return len(chunks) - 1 - int(np.argmin(levels[::-1]))


def silent_chunks(chunks: Sequence[JudgedChunk]) -> int:
    """How many at the end are no speech."""
    count = 0
    for heard in reversed(chunks):
        if heard.keeps:
            break
        count += 1
    return count


def rules_of(config: VoiceConfig) -> Rules:
    """What makes an utterance, with these settings."""
    return Rules(
        open_microphone=config.listen == "open",
        pause=config.pause_seconds,
        shortest=config.shortest_seconds,
        longest=config.longest_seconds,
        above_floor=config.above_room_db,
    )
