"""Transcribe utterances on a thread of their own, or say why nothing was heard."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from capture.audio import RATE
from capture.audio_inventions import objection, strip_notes
from capture.audio_whisper import Whisper
from capture.utterance import Utterance

WAITING = 4
"""Utterances that may wait; more are not heard."""
_FULL, _CLIPPED = 0.98, 0.02
"""The loudest that sound can be, and the share of samples from which it is cut off there."""
_TOO_MUCH = "too much was said at once"
_CLOSED = "listening is over"


@dataclass(frozen=True)
class Transcript:
    """Words and Whisper's `confidence` in [0, 1]; `began` and `ended` are monotonic seconds."""

    text: str
    began: float
    ended: float
    confidence: float


@dataclass(frozen=True)
class Unheard:
    """Why nothing was heard from `began` to `ended`."""

    reason: str
    began: float
    ended: float


class Transcriber:
    """Loads Whisper once and transcribes one utterance after another. Methods never block."""

    def __init__(self, load: Callable[[], Whisper]) -> None:
        self._load = load
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="transcriber")
        self._whisper: Future[Whisper] | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False

    def start(self) -> "Future[Whisper]":
        """Begin to load the model and warm it up."""
        with self._lock:
            return self._load_once()

    def hear(self, utterance: Utterance) -> "Future[Transcript | Unheard]":
        """Transcribe in the background. The future raises what loading raised."""
        with self._lock:
            if self._closed or self._waiting >= WAITING:
                refusal: Future[Transcript | Unheard] = Future()
                reason = _CLOSED if self._closed else _TOO_MUCH
                refusal.set_result(Unheard(reason, utterance.began, utterance.ended))
                return refusal
            self._waiting += 1
            return self._pool.submit(self._write, self._load_once(), utterance)

    def close(self) -> None:
        """Accept nothing more and cancel what waits, without waiting for the current utterance."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _load_once(self) -> "Future[Whisper]":
        if self._whisper is None:
            self._whisper = self._pool.submit(self._load_and_warm_up)
        return self._whisper

    def _load_and_warm_up(self) -> Whisper:
        whisper = self._load()
        whisper.draft(np.zeros(RATE, np.float32))
        return whisper

    def _write(self, whisper: "Future[Whisper]", utterance: Utterance) -> Transcript | Unheard:
        try:
            return transcribe(whisper.result(), utterance)
        finally:
            with self._lock:
                self._waiting -= 1


def transcribe(whisper: Whisper, utterance: Utterance) -> Transcript | Unheard:
    """Transcribe one utterance in this thread."""
    draft = whisper.draft(utterance.samples)
    reason = objection(draft, utterance.level - utterance.floor, utterance.speech)
    if reason and np.mean(np.abs(utterance.samples) > _FULL) > _CLIPPED:
        reason = "it was too loud: turn the microphone down"
    if reason:
        return Unheard(reason, utterance.began, utterance.ended)
    confidence = min(1.0, max(0.0, math.exp(draft.logprob)))
    return Transcript(strip_notes(draft.text), utterance.began, utterance.ended, confidence)
