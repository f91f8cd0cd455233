"""What was said in an utterance, written down on a thread of its own, or why nothing was heard."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from capture.audio import RATE
from capture.audio_inventions import objection, spoken
from capture.audio_whisper import Whisper
from capture.utterance import Utterance

WAITING = 4
"""Utterances that may wait to be written down; who says more meanwhile is not heard."""

_TOO_MUCH = "too much was said at once"
_CLOSED = "listening is over"


@dataclass(frozen=True)
class Transcript:
    """What was said. `began` and `ended` are monotonic seconds; `confidence` in [0, 1] is Whisper's own."""

    text: str
    began: float
    ended: float
    confidence: float


@dataclass(frozen=True)
class Unheard:
    """That nothing was heard from `began` to `ended`, and why, in a few words."""

    reason: str
    began: float
    ended: float


class Transcriber:
    """Loads Whisper once and writes down one utterance after another. Its verbs never block."""

    def __init__(self, load: Callable[[], Whisper]) -> None:
        self._load = load
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="transcriber")
        self._whisper: Future[Whisper] | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False

    def start(self) -> "Future[Whisper]":
        """Begin to load the model, and try it once, since a first time takes longer."""
        with self._lock:
            return self._loading()

    def hear(self, utterance: Utterance) -> "Future[Transcript | Unheard]":
        """What was said. The future raises what loading raised."""
        with self._lock:
            if self._closed or self._waiting >= WAITING:
                refused: Future[Transcript | Unheard] = Future()
                reason = _CLOSED if self._closed else _TOO_MUCH
                refused.set_result(Unheard(reason, utterance.began, utterance.ended))
                return refused
            self._waiting += 1
            return self._pool.submit(self._write, self._loading(), utterance)

    def close(self) -> None:
        """Take nothing more. What waits is cancelled; what is being written down is not waited for."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _loading(self) -> "Future[Whisper]":
        if self._whisper is None:
            self._whisper = self._pool.submit(self._loaded)
        return self._whisper

    def _loaded(self) -> Whisper:
        whisper = self._load()
        whisper.draft(np.zeros(RATE, np.float32))
        return whisper

    def _write(self, whisper: "Future[Whisper]", utterance: Utterance) -> Transcript | Unheard:
        try:
            return heard(whisper.result(), utterance)
        finally:
            with self._lock:
                self._waiting -= 1


def heard(whisper: Whisper, utterance: Utterance) -> Transcript | Unheard:
    """Write down one utterance, here and now."""
    draft = whisper.draft(utterance.samples)
    reason = objection(draft, utterance.level - utterance.floor, utterance.speech)
    if reason:
        return Unheard(reason, utterance.began, utterance.ended)
    confidence = min(1.0, max(0.0, math.exp(draft.logprob)))
    return Transcript(spoken(draft.text), utterance.began, utterance.ended, confidence)
