import dataclasses
import math
import os
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from capture.audio import RATE, Samples
from capture.audio_inventions import Draft
from capture.audio_whisper import Whisper, load_whisper
from capture.transcribe import WAITING, Transcriber, Transcript, Unheard, transcribe
from capture.utterance import Utterance
from core.errors import WeightsError

# Read before the fixture that takes it away.
CHECKPOINT = os.environ.get("ROOMWISE_TEST_WHISPER", "")
WAIT = 60.0


def _utterance(began: float = 5.0, seconds: float = 1.0, level: float = -20.0) -> Utterance:
    samples = np.zeros(int(seconds * RATE), np.float32)
    return Utterance(samples, began - 0.3, began, began + seconds, level, -60.0, 0.9)


class Slow:
    """A Whisper that waits to be let go, and notes who calls it."""

    def __init__(self, draft: Draft) -> None:
        self.go = threading.Event()
        self.threads: set[str] = set()
        self._draft = draft

    def draft(self, samples: Samples) -> Draft:
        self.threads.add(threading.current_thread().name)
        assert self.go.wait(WAIT)
        return self._draft


CLEAR = Draft(" What is\x1b on the table?\n", 0.1, -0.5, 1.0)


def test_nobody_waits_and_the_model_is_loaded_once_on_its_own_thread() -> None:
    whisper, loads = Slow(CLEAR), list[str]()

    def load() -> Whisper:
        loads.append(threading.current_thread().name)
        return whisper

    transcriber = Transcriber(load)
    began = time.monotonic()
    transcriber.start()
    futures = [transcriber.hear(_utterance(number)) for number in range(3)]
    assert time.monotonic() - began < WAIT / 2
    whisper.go.set()
    results = [future.result(WAIT) for future in futures]
    assert results[0] == Transcript("What is on the table?", 0.0, 1.0, math.exp(-0.5))
    assert [result.began for result in results] == [0.0, 1.0, 2.0]
    assert len(loads) == 1 and whisper.threads == set(loads)
    assert threading.current_thread().name not in whisper.threads
    transcriber.close()


def test_who_says_too_much_at_once_is_told() -> None:
    whisper = Slow(CLEAR)
    transcriber = Transcriber(lambda: whisper)
    futures = [transcriber.hear(_utterance()) for _ in range(WAITING + 1)]
    refused = futures[-1].result(0.0)
    assert isinstance(refused, Unheard) and "at once" in refused.reason
    whisper.go.set()
    assert all(isinstance(future.result(WAIT), Transcript) for future in futures[:-1])
    assert isinstance(transcriber.hear(_utterance()).result(WAIT), Transcript)
    transcriber.close()


def test_a_model_that_cannot_be_loaded_is_said_by_every_future() -> None:
    def fails() -> Whisper:
        raise WeightsError("There is no Whisper checkpoint at x.pt. Check the path.")

    transcriber = Transcriber(fails)
    for _ in range(2):
        with pytest.raises(WeightsError, match="no Whisper checkpoint"):
            transcriber.hear(_utterance()).result(WAIT)
    transcriber.close()


def test_what_was_too_loud_to_be_understood_is_said() -> None:
    whisper = Slow(Draft("What?", 0.1, -1.5, 1.0))
    whisper.go.set()
    loud = dataclasses.replace(_utterance(), samples=np.sign(np.sin(np.arange(RATE))).astype(np.float32))
    unclear, cut_off = transcribe(whisper, _utterance()), transcribe(whisper, loud)
    assert isinstance(unclear, Unheard) and unclear.reason == "it was not clear enough"
    assert isinstance(cut_off, Unheard) and "turn the microphone down" in cut_off.reason


def test_closing_does_not_wait_and_nothing_is_heard_after_it() -> None:
    whisper = Slow(CLEAR)
    transcriber = Transcriber(lambda: whisper)
    waiting: list[Future[Transcript | Unheard]] = [transcriber.hear(_utterance()) for _ in range(3)]
    began = time.monotonic()
    transcriber.close()
    assert time.monotonic() - began < WAIT / 2
    assert waiting[-1].cancelled()
    late = transcriber.hear(_utterance()).result(0.0)
    assert isinstance(late, Unheard) and "over" in late.reason
    whisper.go.set()


def test_an_invention_is_not_heard_and_says_why() -> None:
    whisper = Slow(Draft("Thank you.", 0.3, -0.4, 1.0))
    whisper.go.set()
    assert transcribe(whisper, _utterance(level=-55.0)) == Unheard("it was too quiet to be sure", 5.0, 6.0)
    assert isinstance(transcribe(whisper, _utterance(level=-20.0)), Transcript)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Whisper leaves a file open
@pytest.mark.skipif(not CHECKPOINT, reason="ROOMWISE_TEST_WHISPER names no checkpoint of openai-whisper")
def test_the_real_whisper_invents_nothing_from_silence() -> None:
    pytest.importorskip("whisper")
    whisper = load_whisper("openai", CHECKPOINT, Path())
    quiet = np.random.default_rng(0).normal(0, 0.003, 2 * RATE).astype(np.float32)
    for samples in (np.zeros(RATE, np.float32), quiet):
        assert isinstance(transcribe(whisper, Utterance(samples, 0.0, 0.0, 1.0, -50.0, -52.0, 0.5)), Unheard)
