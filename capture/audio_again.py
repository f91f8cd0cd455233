"""Transcribe a sound file like a microphone, but at once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from capture.audio import RATE, Block
from capture.audio_file import FileMicrophone
from capture.audio_judged import Rules
from capture.audio_listener import Listener
from capture.audio_whisper import Whisper
from capture.transcribe import Transcript, Unheard, transcribe
from capture.utterance import Segmenter, Utterance
from capture.voice_activity import VoiceActivity

_BEFORE = 0.5
"""Seconds of silence before the sound, to estimate a room's floor,"""
_AFTER = 0.5
"""and after it, beyond the pause that ends an utterance."""


def hear_file(
    path: Path, whisper: Whisper, activity: VoiceActivity, rules: Rules
) -> list[Transcript | Unheard]:
    """Every utterance of a file, by voice activity and Whisper. Times are seconds since its first sample.

    Raises CaptureError when it is not a sound that can be read, MissingDependencyError for what is no WAV.
    """
    utterances: list[Utterance] = []
    activity.reset()
    microphone = FileMicrophone(path, real_time=False, clock=lambda: 0.0)
    listener = Listener(microphone, activity, Segmenter(rules), utterances.append)
    microphone.start()
    try:
        for block in _with_silence(microphone, rules.pause + _AFTER):
            listener.hear(block)
    finally:
        microphone.close()
    return [transcribe(whisper, utterance) for utterance in utterances]


def _with_silence(microphone: FileMicrophone, after: float) -> Iterator[Block]:
    yield _silence(_BEFORE, -_BEFORE)
    ended = 0.0
    while not microphone.ended:
        block = microphone.read(0.0)
        if block is not None and len(block.samples):
            ended = block.ended
            yield block
    yield _silence(after, ended)


def _silence(seconds: float, at: float) -> Block:
    return Block(np.zeros(int(seconds * RATE), np.float32), at)
