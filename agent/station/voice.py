"""Hears questions and speaks answers: microphone, Whisper and a voice, each optional."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from agent.console import Listening
from capture.audio import Ears
from capture.audio_file import FileMicrophone, as_wav
from capture.audio_judged import rules_of
from capture.audio_listener import Listener
from capture.audio_pieces import MicrophoneOpened, Status
from capture.audio_portaudio import portaudio
from capture.audio_whisper import Whisper, whisper_loader
from capture.device import DeviceBack, Ended, Lost
from capture.microphone import Microphone
from capture.speaker import Mute, Speaker, voice_commands
from capture.transcribe import Transcriber, Transcript, Unheard
from capture.utterance import Segmenter, Utterance
from capture.voice_activity import open_voice_activity
from core.errors import InputError
from core.events import Event, Failed, MicrophoneChanged, SpeechHeard, SpeechUnheard
from core.sections import VoiceConfig

Say = Callable[[Event], None]
OnQuestion = Callable[[str, float], None]
"""Gets a question and when it began, in seconds of the monotonic clock, on any thread."""
KeepSound = Callable[[bytes], str]
"""Stores a WAV file and returns its SHA-256; "" when sounds are not kept."""


def keep_no_sound(data: bytes) -> str:
    return ""


class Hearing:
    """A microphone and its transcriber, from `start` to `close`. `say` gets events, `ask` each question,
    `keep` its sound. Raises MissingDependencyError, CaptureError, WeightsError.
    """

    def __init__(
        self, config: VoiceConfig, messages: Path, mute: Mute, say: Say, ask: OnQuestion,
        keep: KeepSound = keep_no_sound, load: Callable[[], Whisper] | None = None,
    ) -> None:  # fmt: skip
        self.trouble = ""
        """Why nothing is heard, with a remedy; "" if something can be."""
        self._say, self._ask, self._mute, self._keep = say, ask, mute, keep
        self.open = config.listen == "open"
        """Whether speech alone begins a question, without a key."""
        activity = open_voice_activity(
            config.activity, lambda note: say(Failed(at=time.time(), what="voice activity", error=note))
        )
        self._segmenter = Segmenter(rules_of(config))
        ears = ears_of(config, messages, self._note_status)
        self._listener = Listener(ears, activity, self._segmenter, self._transcribe, mute)
        self._transcriber = Transcriber(load or whisper_loader(config))
        self._lock = threading.Lock()
        self._writing = 0

    def start(self) -> None:
        """Begin to listen, and to load Whisper. Raises CaptureError where a sound file cannot be read."""
        self._transcriber.start().add_done_callback(self._on_loaded)
        self._listener.start()

    def close(self) -> None:
        self._listener.close()
        self._transcriber.close()

    def talk(self, pressed: bool) -> None:
        """The key for talking was pressed or released. Raises InputError where there is no such key."""
        if self.open:
            raise InputError("The microphone is open and needs no key. Just ask, or set voice.listen to key.")
        now = time.monotonic()
        (self._listener.press if pressed else self._listener.release)(now)

    @property
    def state(self) -> Listening:
        now = time.monotonic()
        if self._mute.covers(now, now + 0.01):
            return "muted"
        if self._segmenter.speaking:
            return "speech"
        if self._writing:
            return "busy"
        return "none" if self.trouble else "open" if self.open else "key"

    def _transcribe(self, utterance: Utterance) -> None:
        with self._lock:
            self._writing += 1
        self._transcriber.hear(utterance).add_done_callback(partial(self._on_transcript, utterance))

    def _on_transcript(self, utterance: Utterance, future: "Future[Transcript | Unheard]") -> None:
        with self._lock:
            self._writing -= 1
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self._say(Failed(at=time.time(), what="speech", error=str(error)))
            return
        match future.result():
            case Transcript(text=text, began=began, ended=ended, confidence=confidence):
                sound = self._keep(as_wav(utterance.samples))
                self._say(
                    SpeechHeard(at=time.time(), text=text, confidence=confidence, seconds=ended - began,
                                audio=sound)
                )  # fmt: skip
                self._ask(text, began)
            case Unheard(reason=reason, began=began, ended=ended):
                # An open microphone hears many sounds that are no questions.
                if not self.open:
                    self._say(SpeechUnheard(at=time.time(), reason=reason, seconds=ended - began))

    def _on_loaded(self, future: "Future[Whisper]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self.trouble = str(error)
            self._say(Failed(at=time.time(), what="speech", error=str(error)))

    def _note_status(self, status: Status) -> None:
        changed = _change_event(status)
        self.trouble = changed.reason
        self._say(changed)


def _change_event(status: Status) -> MicrophoneChanged:
    now = time.time()
    match status:
        case MicrophoneOpened():
            return MicrophoneChanged(at=now, there=True)
        case DeviceBack(after=seconds):
            return MicrophoneChanged(at=now, there=True, seconds=seconds)
        case Lost(reason=reason):
            return MicrophoneChanged(at=now, there=False, reason=reason)
        case Ended():
            ended = "The sound file is over. Start again, or set voice.microphone to another."
            return MicrophoneChanged(at=now, there=False, reason=ended)


def ears_of(config: VoiceConfig, messages: Path, tell: Callable[[Status], None]) -> Ears:
    """The microphone, or sound file, of the settings. Raises MissingDependencyError, CaptureError."""
    path = Path(config.microphone)
    if config.microphone and path.is_file():
        return FileMicrophone(path)
    return Microphone(portaudio(config.microphone, messages), tell)


def speaker_of(config: VoiceConfig, mute: Mute, say: Say) -> Speaker:
    """The voice of the settings. Raises CaptureError when its program is not installed."""

    def failed(reason: str) -> None:
        say(Failed(at=time.time(), what="voice", error=reason))

    return Speaker(voice_commands(config.voice), mute, failed)
