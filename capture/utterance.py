"""Segment chunks of sound into utterances, without clock or device.

With an open microphone speech begins an utterance and a pause ends it; with push-to-talk a key does. Sound is
in at most one utterance, in order.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capture.audio import GAP, SILENCE, Block, Samples, level
from capture.audio_judged import (
    SECONDS,
    JudgedChunk,
    RoomFloor,
    Rules,
    judge_chunk,
    quietest_chunk,
    silent_chunks,
)

_REMEMBERED = 5.0  # seconds of sound kept for a late key press
_AFTER_KEY = 0.2  # seconds added after a key is released: fingers are quicker than words
_SPARE = int(1.0 / SECONDS)  # unused chunks that the next utterance may begin with


@dataclass(frozen=True, eq=False)
class Utterance:
    """`samples` float32 [n] at 16 kHz.

    Times are monotonic seconds: `at` of the first sample, `began` and `ended` of the speech. `level` of the
    speech and `floor` of the room are in dB below full scale; `speech` is its probability. `continues`: the
    one before was cut as too long.
    """

    samples: Samples
    at: float
    began: float
    ended: float
    level: float
    floor: float
    speech: float
    continues: bool = False


class Segmenter:
    """Chunks in, utterances out. Not thread-safe."""

    def __init__(self, rules: Rules) -> None:
        if rules.longest < 1.0 or rules.shortest > rules.longest:
            raise ValueError(f"no utterance is from {rules.shortest} to {rules.longest} s long")
        self._rules = rules
        self._floor = RoomFloor()
        # Chunks since the last utterance, which the next one may begin with.
        self._before: deque[JudgedChunk] = deque(maxlen=int(_REMEMBERED / SECONDS))
        self._now: list[JudgedChunk] = []
        self._continues = False
        self._pressed: float | None = None
        self._released: float | None = None

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun."""
        return bool(self._now)

    def press(self, at: float) -> None:
        """The key went down, at this time of the monotonic clock."""
        self._pressed, self._released = at, None

    def release(self, at: float) -> None:
        """The key went up."""
        if self._pressed is not None:
            self._released = at

    def take(self, chunk: Block, probability: float) -> list[Utterance]:
        """Add a chunk of 512 samples with its speech probability; returns the utterances that end.

        Missing sound before it ends the current utterance.
        """
        finished = []
        last = self._now[-1] if self._now else self._before[-1] if self._before else None
        if last is not None and abs(chunk.at - last.block.ended) > GAP:
            finished = self.end()
        judged_chunk = judge_chunk(self._rules, self._floor, chunk, probability)
        return finished + (
            self._by_speech(judged_chunk) if self._rules.open_microphone else self._by_key(judged_chunk)
        )

    def end(self) -> list[Utterance]:
        """End the current utterance for good: the sound ends, or the microphone is muted."""
        finished = self._finish(len(self._now))
        self._before.clear()
        return finished

    def _by_speech(self, chunk: JudgedChunk) -> list[Utterance]:
        self._before.append(chunk)
        if not self._now and not chunk.begins:
            return []
        self._gather(chunk.block.at - self._rules.pre_roll, math.inf)
        finished = self._cut_if_long()
        silent = silent_chunks(self._now)
        if self._now and silent * SECONDS >= self._rules.pause:
            # The end of the pause may be the beginning of the next utterance.
            finished += self._finish(len(self._now) - min(silent, int(self._rules.pre_roll / SECONDS)))
        return finished

    def _by_key(self, chunk: JudgedChunk) -> list[Utterance]:
        self._before.append(chunk)
        if self._pressed is None or chunk.block.ended <= self._pressed:
            return []
        until = math.inf if self._released is None else self._released + _AFTER_KEY
        self._gather(self._pressed - self._rules.pre_roll, until)
        finished = self._cut_if_long()
        if chunk.block.at >= until:
            self._pressed = self._released = None
            finished += self._finish(len(self._now))
        return finished

    def _gather(self, since: float, until: float) -> None:
        """Add unused chunks before `until` to the utterance, which begins no earlier than `since`."""
        for chunk in list(self._before):
            if chunk.block.at >= until:
                break
            self._before.popleft()
            if self._now or chunk.block.ended > since:
                self._now.append(chunk)
            else:
                self._continues = False  # a chunk is left out in between

    def _cut_if_long(self) -> list[Utterance]:
        """Cut utterances off until the rest is short enough."""
        finished, most = [], int(self._rules.longest / SECONDS)
        while len(self._now) >= most:
            end = quietest_chunk(self._now[:most]) + 1
            utterance = self._to_utterance(self._now[:end])
            # A piece that is none, for want of speech, must not take the first of the next one's with it.
            while not utterance and end > 0 and self._now[end - 1].keeps:
                end -= 1
            self._now = self._now[max(1, end) :]
            self._continues = bool(utterance)
            finished += utterance
        return finished

    def _finish(self, length: int) -> list[Utterance]:
        """End the utterance after `length` chunks; the others may begin the next."""
        now, self._now = self._now, []
        finished = self._to_utterance(now[:length])
        self._continues = False
        rest = now[length:] if finished else now
        self._before = deque([*rest[-_SPARE:], *self._before], maxlen=self._before.maxlen)
        return finished

    def _to_utterance(self, chunks: Sequence[JudgedChunk]) -> list[Utterance]:
        speech = [chunk for chunk in chunks if chunk.keeps]
        enough = len(speech) * SECONDS >= self._rules.shortest or self._continues
        return [_utterance(chunks, speech, self._continues)] if speech and enough else []


def _utterance(chunks: Sequence[JudgedChunk], speech: Sequence[JudgedChunk], continues: bool) -> Utterance:
    samples = np.concatenate([chunk.block.samples for chunk in chunks])
    return Utterance(
        samples,
        at=chunks[0].block.at,
        began=speech[0].block.at,
        ended=speech[-1].block.ended,
        level=level(np.concatenate([chunk.block.samples for chunk in speech])),
        floor=min((chunk.floor for chunk in chunks), default=SILENCE),
        speech=float(np.mean([chunk.probability for chunk in speech])),
        continues=continues,
    )
