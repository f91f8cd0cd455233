"""Rules for utterances, and chunks of sound judged by them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capture.audio import CHUNK, RATE, Block, level
from core.sections import VoiceConfig

QUIET = -70.0
"""The lowest floor of a room, in dB below full scale; below it is only a sound card's noise."""
_SECONDS = 10.0
_QUANTILE = 0.1
_UNKNOWN = -60.0  # the floor before enough chunks were heard
_ENOUGH = 10  # chunks
_EVERY = 4  # chunks between two estimates


class RoomFloor:
    """The 10 % quantile of the level over the last ten seconds. Speech has gaps and hardly raises it."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=int(_SECONDS * RATE / CHUNK))
        self._count = 0
        self._floor = _UNKNOWN

    @property
    def now(self) -> float:
        """The current floor, in dB below full scale."""
        return self._floor

    def add(self, level: float) -> float:
        """Add the level of a chunk; returns the new floor, both in dB below full scale."""
        self._levels.append(level)
        self._count += 1
        if len(self._levels) >= _ENOUGH and self._count % _EVERY == 0:
            self._floor = max(QUIET, float(np.quantile(self._levels, _QUANTILE)))
        return self._floor


SECONDS = CHUNK / RATE
"""The length of a chunk."""
_CUT_WITHIN = 5.0  # seconds at the end of the longest utterance in which to cut it


@dataclass(frozen=True)
class Rules:
    """What makes an utterance. Probabilities in [0, 1], times in seconds, levels in dB."""

    open_microphone: bool = False
    """Whether speech alone begins an utterance, without a key."""
    begin: float = 0.5
    """The speech probability of a chunk that begins an utterance,"""
    go_on: float = 0.35
    """and of one that continues it,"""
    with_key: float = 0.15
    """and while a key is held down, so that whispers are heard."""
    pause: float = 0.6
    """The silence that ends an utterance."""
    shortest: float = 0.25
    """The least speech in an utterance."""
    longest: float = 30.0
    """The longest utterance, at least a second; longer ones are cut at the quietest point."""
    pre_roll: float = 0.3
    """Sound included from before the first speech, whose onset is soft."""
    above_floor: float = 6.0
    """How much louder than the room's floor speech is,"""
    least_level: float = -60.0
    """and its least level below full scale."""


@dataclass(frozen=True, eq=False)
class JudgedChunk:
    """A chunk with its judgement: whether it begins an utterance, or keeps one going."""

    block: Block
    probability: float
    level: float
    floor: float
    begins: bool
    keeps: bool


def judge_chunk(rules: Rules, room: RoomFloor, chunk: Block, probability: float) -> JudgedChunk:
    """Judge a chunk, and measure the room where it is no speech. Continuing speech may be softer."""
    loudness = level(chunk.samples)
    floor = room.add(loudness) if probability < rules.go_on else room.now
    is_loud = loudness >= max(rules.least_level, floor + rules.above_floor)
    is_audible = loudness >= max(rules.least_level, floor + rules.above_floor / 2)
    least_probability = rules.go_on if rules.open_microphone else rules.with_key
    return JudgedChunk(
        chunk, probability, loudness, floor,
        begins=is_loud and probability >= rules.begin, keeps=is_audible and probability >= least_probability,
    )  # fmt: skip


def quietest_chunk(chunks: Sequence[JudgedChunk]) -> int:
    """The last of the quietest chunks in the final seconds, at most half of all."""
    first = max(len(chunks) // 2, len(chunks) - int(_CUT_WITHIN / SECONDS))
    levels = [chunk.level for chunk in chunks[first:]]
    return len(chunks) - 1 - int(np.argmin(levels[::-1]))


def silent_chunks(chunks: Sequence[JudgedChunk]) -> int:
    """How many chunks at the end are not speech."""
    count = 0
    for chunk in reversed(chunks):
        if chunk.keeps:
            break
        count += 1
    return count


def rules_of(config: VoiceConfig) -> Rules:
    """The rules of these settings."""
    return Rules(
        open_microphone=config.listen == "open",
        pause=config.pause_seconds,
        shortest=config.shortest_seconds,
        longest=config.longest_seconds,
        above_floor=config.above_room_db,
    )
