"""Questions heard and answers spoken, for a session: microphone, Whisper and a voice, each optional."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from agent.console.protocol import Listening
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
Asked = Callable[[str, float], None]
"""Gets a question and when it began to be spoken, in seconds of the monotonic clock, on any thread."""
KeepSound = Callable[[bytes], str]
"""Keeps a WAV file and gives its SHA-256; empty when sounds are not kept."""


def keep_no_sound(data: bytes) -> str:
    """Forget a sound."""
    return ""


class Hearing:
    """A microphone and who writes down what it hears, from `start` to `close`.

    `say` gets what happens, `ask` each question, `keep` its sound.
    Raises MissingDependencyError, CaptureError, WeightsError.
    """

    def __init__(
        self, config: VoiceConfig, messages: Path, mute: Mute, say: Say, ask: Asked,
        keep: KeepSound = keep_no_sound, load: Callable[[], Whisper] | None = None,
    ) -> None:  # fmt: skip
        self.trouble = ""
        """Why nothing is heard, with a remedy; empty while all is well."""
        self._say, self._ask, self._mute, self._keep = say, ask, mute, keep
        self.open = config.listen == "open"
        """Whether speech alone begins a question; else a key has to."""
        activity = open_voice_activity(config.activity, self._note)
        self._segmenter = Segmenter(rules_of(config))
        ears = ears_of(config, messages, self._told)
        self._listener = Listener(ears, activity, self._segmenter, self._give, mute)
        self._transcriber = Transcriber(load or whisper_loader(config))
        self._lock = threading.Lock()
        self._writing = 0

    def start(self) -> None:
        """Begin to listen, and to load Whisper. Raises CaptureError where a sound file cannot be read."""
        self._transcriber.start().add_done_callback(self._loaded)
        self._listener.start()

    def close(self) -> None:
        """Stop; what is being said is dropped."""
        self._listener.close()
        self._transcriber.close()

    def talk(self, pressed: bool) -> None:
        """The key for talking was pressed or let go of, now. Raises InputError where there is no such key."""
        if self.open:
            raise InputError("The microphone is open and needs no key. Just ask, or set voice.listen to key.")
        now = time.monotonic()
        (self._listener.press if pressed else self._listener.release)(now)

    @property
    def state(self) -> Listening:
        """What the microphone does now."""
        now = time.monotonic()
        if self._mute.covers(now, now + 0.01):
            return "muted"
        if self._segmenter.speaking:
            return "speech"
        if self._writing:
            return "busy"
        return "none" if self.trouble else "open" if self.open else "key"

    def _give(self, utterance: Utterance) -> None:
        with self._lock:
            self._writing += 1
        self._transcriber.hear(utterance).add_done_callback(partial(self._written, utterance))

    def _written(self, utterance: Utterance, future: "Future[Transcript | Unheard]") -> None:
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
                # To an open microphone a room is full of sounds that nobody meant for it.
                if not self.open:
                    self._say(SpeechUnheard(at=time.time(), reason=reason, seconds=ended - began))

    def _loaded(self, future: "Future[Whisper]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self.trouble = str(error)
            self._say(Failed(at=time.time(), what="speech", error=str(error)))

    def _note(self, sentence: str) -> None:
        self._say(Failed(at=time.time(), what="voice activity", error=sentence))

    def _told(self, status: Status) -> None:
        changed = _changed(status)
        self.trouble = changed.reason
        self._say(changed)


def _changed(status: Status) -> MicrophoneChanged:
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
    """The microphone, or sound file, that the settings name. Raises MissingDependencyError, CaptureError."""
    path = Path(config.microphone).expanduser()
    if config.microphone and path.is_file():
        return FileMicrophone(path)
    return Microphone(portaudio(config.microphone, messages), tell)


def speaker_of(config: VoiceConfig, mute: Mute, say: Say) -> Speaker:
    """The voice of the settings. Raises CaptureError when its program is not installed."""

    def failed(reason: str) -> None:
        say(Failed(at=time.time(), what="voice", error=reason))

    return Speaker(voice_commands(config.voice), mute, failed)
