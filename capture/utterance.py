"""Where one utterance ends and the next begins: pure decisions over chunks of sound.

With an open microphone speech begins an utterance and a pause ends it; with push-to-talk a key does. Either
way sound is given once or not at all, in order, and an utterance knows when its speech began.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capture.audio import GAP, SILENCE, Block, Samples, level
from capture.audio_judged import SECONDS, JudgedChunk, RoomFloor, Rules, judged, quietest, silent_chunks

_REMEMBERED = 5.0  # seconds of sound kept for a key whose press comes late
_AFTER_KEY = 0.2  # seconds added after a key is let go: fingers are quicker than words
_SPARE = int(1.0 / SECONDS)  # chunks of what was no utterance that the next one may begin with


@dataclass(frozen=True, eq=False)
class Utterance:
    """What was said in one go: `samples` float32 [n] at 16 kHz.

    Times are of the monotonic clock, in seconds: `at` of the first sample, `began` and `ended` of the speech
    in it. `level` is that of its speech, `floor` the room's, in dB below full scale; `speech` is how likely
    it was speech, in [0, 1]. `continues`: it goes on after one that had become too long.
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
    """Chunks in, utterances out. Not for several threads."""

    def __init__(self, rules: Rules) -> None:
        if rules.longest < 1.0 or rules.shortest > rules.longest:
            raise ValueError(f"no utterance is from {rules.shortest} to {rules.longest} s long")
        self._rules = rules
        self._floor = RoomFloor()
        # What was heard since the last utterance, for the next one to begin with.
        self._before: deque[JudgedChunk] = deque(maxlen=int(_REMEMBERED / SECONDS))
        self._now: list[JudgedChunk] = []
        self._continues = False
        self._pressed: float | None = None
        self._released: float | None = None

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return bool(self._now)

    def press(self, at: float) -> None:
        """The key went down, at this time of the monotonic clock."""
        self._pressed, self._released = at, None

    def release(self, at: float) -> None:
        """The key went up."""
        if self._pressed is not None:
            self._released = at

    def take(self, chunk: Block, probability: float) -> list[Utterance]:
        """The utterances that end with a chunk of 512 samples, which is speech with this probability.

        Where sound is missing before it, what was being said ends there.
        """
        given = []
        last = self._now[-1] if self._now else self._before[-1] if self._before else None
        if last is not None and abs(chunk.at - last.block.ended) > GAP:
            given = self.end()
        heard = judged(self._rules, self._floor, chunk, probability)
        return given + (self._by_speech(heard) if self._rules.open_microphone else self._by_key(heard))

    def end(self) -> list[Utterance]:
        """What is being said ends here: the sound is over, or the microphone muted. Nothing follows on it."""
        given = self._finish(len(self._now))
        self._before.clear()
        return given

    def _by_speech(self, heard: JudgedChunk) -> list[Utterance]:
        self._before.append(heard)
        if not self._now and not heard.begins:
            return []
        self._gather(heard.block.at - self._rules.pre_roll, math.inf)
        given = self._cut_if_long()
        silent = silent_chunks(self._now)
        if self._now and silent * SECONDS >= self._rules.pause:
            # The end of a pause is as good as the beginning of the next utterance.
            given += self._finish(len(self._now) - min(silent, int(self._rules.pre_roll / SECONDS)))
        return given

    def _by_key(self, heard: JudgedChunk) -> list[Utterance]:
        self._before.append(heard)
        if self._pressed is None or heard.block.ended <= self._pressed:
            return []
        until = math.inf if self._released is None else self._released + _AFTER_KEY
        self._gather(self._pressed - self._rules.pre_roll, until)
        given = self._cut_if_long()
        if heard.block.at >= until:
            self._pressed = self._released = None
            given += self._finish(len(self._now))
        return given

    def _gather(self, since: float, until: float) -> None:
        """Add to the utterance what was heard and not given, between two times; `since` is for its first."""
        for heard in list(self._before):
            if heard.block.at >= until:
                break
            self._before.popleft()
            if self._now or heard.block.ended > since:
                self._now.append(heard)
            else:
                self._continues = False  # what is left out lies in between

    def _cut_if_long(self) -> list[Utterance]:
        """Give pieces of what is being said until the rest is short enough."""
        given, most = [], int(self._rules.longest / SECONDS)
        while len(self._now) >= most:
            end = quietest(self._now[:most]) + 1
            piece = self._given(self._now[:end])
            # A piece that is none, for want of speech, must not take the first of the next one's with it.
            while not piece and end > 0 and self._now[end - 1].keeps:
                end -= 1
            self._now = self._now[max(1, end) :]
            self._continues = bool(piece)
            given += piece
        return given

    def _finish(self, length: int) -> list[Utterance]:
        """Give the first chunks of the utterance, if they are one; the others come before the next."""
        now, self._now = self._now, []
        given = self._given(now[:length])
        self._continues = False
        left = now[length:] if given else now
        self._before = deque([*left[-_SPARE:], *self._before], maxlen=self._before.maxlen)
        return given

    def _given(self, chunks: Sequence[JudgedChunk]) -> list[Utterance]:
        speech = [heard for heard in chunks if heard.keeps]
        enough = len(speech) * SECONDS >= self._rules.shortest or self._continues
        return [_utterance(chunks, speech, self._continues)] if speech and enough else []


def _utterance(chunks: Sequence[JudgedChunk], speech: Sequence[JudgedChunk], continues: bool) -> Utterance:
    samples = np.concatenate([heard.block.samples for heard in chunks])
    return Utterance(
        samples,
        at=chunks[0].block.at,
        began=speech[0].block.at,
        ended=speech[-1].block.ended,
        level=level(np.concatenate([heard.block.samples for heard in speech])),
        floor=min((heard.floor for heard in chunks), default=SILENCE),
        speech=float(np.mean([heard.probability for heard in speech])),
        continues=continues,
    )
